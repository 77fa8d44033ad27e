import { Injectable, type ScopeOptions, type Type } from '@nestjs/common';
import { ENTRY_PROVIDER_WATERMARK } from '@nestjs/common/constants.js';

import { writeHubMetadata } from '../hubs/hub.metadata.js';
import type { HubOptions } from '../hubs/hub-options.js';

/**
 * Makes a class a hub: a provider whose methods clients call. List it in the `providers` of any module.
 *
 * @param nameOrOptions the name that clients use, or options with the name. Default: the class name; Core clients and
 * the generated proxy write it with a lower-case first letter.
 * @param scope scope of the provider, as `@Injectable()` takes it. Default: a singleton from which each call gets a hub
 * object of its own.
 * @publicApi
 */
export function Hub(nameOrOptions?: string | HubOptions, scope?: ScopeOptions): ClassDecorator {
  const options = typeof nameOrOptions === 'string' ? { name: nameOrOptions } : (nameOrOptions ?? {});
  return (type) => {
    Injectable(scope)(type);
    // Request-scoped global enhancers only run for entry providers; without the mark they are silently skipped.
    Reflect.defineMetadata(ENTRY_PROVIDER_WATERMARK, true, type);
    writeHubMetadata(type as unknown as Type, { options });
  };
}
