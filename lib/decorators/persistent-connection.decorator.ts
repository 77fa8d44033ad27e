import { Injectable, type Type } from '@nestjs/common';
import { ENTRY_PROVIDER_WATERMARK } from '@nestjs/common/constants.js';

import { writeConnectionPath } from '../persistent-connections/persistent-connection.metadata.js';

/**
 * Makes a class a persistent connection: a provider that classic clients without hubs connect to. It extends
 * `SignalRPersistentConnection`; list it in the `providers` of any module.
 *
 * @param path where clients find it, such as `/echo`.
 * @publicApi
 */
export function PersistentConnection(path: string): ClassDecorator {
  return (type) => {
    Injectable()(type);
    // Request-scoped global guards are looked for at entry providers only; elsewhere they would be skipped in silence.
    Reflect.defineMetadata(ENTRY_PROVIDER_WATERMARK, true, type);
    writeConnectionPath(type as unknown as Type, path);
  };
}
