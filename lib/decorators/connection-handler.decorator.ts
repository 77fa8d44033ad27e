import { Injectable, type Type } from '@nestjs/common';
import { ENTRY_PROVIDER_WATERMARK } from '@nestjs/common/constants.js';

import { writeHandlerMetadata } from '../connection-handlers/connection-handler.metadata.js';
import type { ConnectionHandlerOptions } from '../connection-handlers/connection-handler-options.js';

/**
 * Makes a class a connection handler: a provider that clients connect to as to a hub, without the hub protocol. It extends
 * `SignalRConnectionHandler`; list it in the `providers` of any module.
 *
 * @param path where clients find it, such as `/feed`.
 * @publicApi
 */
export function ConnectionHandler(path: string, options: ConnectionHandlerOptions = {}): ClassDecorator {
  return (type) => {
    Injectable()(type);
    // Request-scoped global guards are looked for at entry providers only; elsewhere they would be skipped in silence.
    Reflect.defineMetadata(ENTRY_PROVIDER_WATERMARK, true, type);
    writeHandlerMetadata(type as unknown as Type, { path, options });
  };
}
