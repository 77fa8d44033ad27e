import type { Type } from '@nestjs/common';

import type { ConnectionHandlerOptions } from './connection-handler-options.js';

const CONNECTION_HANDLER = 'signalr:connection-handler';

/** What `@ConnectionHandler()` wrote on a class. */
export interface ConnectionHandlerMetadata {
  readonly path: string;
  readonly options: ConnectionHandlerOptions;
}

/** What is stored on a class itself; undefined if it is no connection handler. */
export function readHandlerMetadata(type: object): ConnectionHandlerMetadata | undefined {
  return Reflect.getOwnMetadata(CONNECTION_HANDLER, type) as ConnectionHandlerMetadata | undefined;
}

export function writeHandlerMetadata(type: Type, metadata: ConnectionHandlerMetadata): void {
  Reflect.defineMetadata(CONNECTION_HANDLER, metadata, type);
}
