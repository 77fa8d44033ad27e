import { Inject, Injectable } from '@nestjs/common';

import type { ServerOptions } from '../common/options.js';
import { SignalRConnectionHandler } from '../connection-handlers/connection-handler.js';
import type { ConnectionHandlerDescriptor } from '../connection-handlers/connection-handler-host.js';
import { readHandlerMetadata } from '../connection-handlers/connection-handler.metadata.js';
import { resolveHandlerOptions } from '../connection-handlers/connection-handler-options.js';
import { pathsOf } from '../protocols/core/endpoint.js';
import { ServedClassExplorer, type ServedKind } from './served-class.explorer.js';
import { SERVER_OPTIONS } from './signalr.tokens.js';
import type { TakenPaths } from './taken-paths.js';

const kind: ServedKind<SignalRConnectionHandler> = {
  decorator: 'ConnectionHandler',
  base: SignalRConnectionHandler,
  pathOf: (type) => readHandlerMetadata(type)?.path,
};

/** Finds the connection handlers of the application. */
@Injectable()
export class ConnectionHandlerExplorer {
  constructor(
    private readonly explorer: ServedClassExplorer,
    @Inject(SERVER_OPTIONS) private readonly options: ServerOptions,
  ) {}

  /**
   * @param prefix what stands before all paths.
   * @returns nothing if Core clients are refused.
   * @throws SignalRError with one clear message for the first thing that cannot work.
   */
  explore(prefix: string, taken: TakenPaths): ConnectionHandlerDescriptor[] {
    const { core, outbox } = this.options;
    const found = this.explorer.explore(kind, prefix, (path, owner) => taken.take(pathsOf(path), owner));
    return core === false
      ? []
      : found.map((served) => {
          const { path = '', options = {} } = readHandlerMetadata(served.type) ?? {};
          return { ...served, options: resolveHandlerOptions({ ...core, outbox }, options, path) };
        });
  }
}
