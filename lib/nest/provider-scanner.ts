import { Injectable, type Type } from '@nestjs/common';
import { DiscoveryService, ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';

/** A provider of the application that has a class. */
export interface ScannedProvider {
  readonly type: Type;
  readonly wrapper: InstanceWrapper;
  /** Key of the module that provides it. */
  readonly moduleKey: string;
  /** Name of that module, for messages to developers. */
  readonly moduleName: string;
}

/** Goes through the providers of the application. */
@Injectable()
export class ProviderScanner {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly modules: ModulesContainer,
  ) {}

  *scan(): IterableIterator<ScannedProvider> {
    const keys = new Map([...this.modules.entries()].map(([key, module]) => [module, key] as const));
    for (const wrapper of this.discovery.getProviders()) {
      const type = typeOf(wrapper);
      if (type !== undefined && !wrapper.isAlias) {
        const moduleKey = wrapper.host === undefined ? '' : (keys.get(wrapper.host) ?? '');
        yield { type, wrapper, moduleKey, moduleName: wrapper.host?.name ?? 'unknown' };
      }
    }
  }
}

/** The class of a provider; for values and factories that of what they gave. */
function typeOf(wrapper: InstanceWrapper): Type | undefined {
  if (wrapper.isNotMetatype) {
    const instance = wrapper.instance as object | null | undefined;
    return typeof instance === 'object' && instance !== null
      ? (instance.constructor as Type | undefined)
      : undefined;
  }
  return (wrapper.metatype as Type | null) ?? undefined;
}
