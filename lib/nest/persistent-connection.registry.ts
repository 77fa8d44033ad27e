import { Inject, Injectable, type Type } from '@nestjs/common';

import type { ServerOptions } from '../common/options.js';
import type { Backplane } from '../messaging/backplane.js';
import {
  ConnectionGroupManager,
  type IPersistentConnectionContext,
  RawSender,
} from '../persistent-connections/persistent-connection.context.js';
import { connectionName } from '../persistent-connections/persistent-connection.metadata.js';
import { BACKPLANE, SERVER_OPTIONS } from './signalr.tokens.js';

/**
 * Finds the context of a persistent connection at run time, where `@InjectPersistentConnectionContext` cannot name it.
 *
 * @publicApi
 */
@Injectable()
export class PersistentConnectionRegistry {
  private readonly contexts = new Map<string, IPersistentConnectionContext>();

  constructor(
    @Inject(BACKPLANE) private readonly backplane: Backplane,
    @Inject(SERVER_OPTIONS) private readonly options: ServerOptions,
  ) {}

  /**
   * The context of a persistent connection. The class needs no provider in this application: processes that serve
   * nothing can reach the clients of others through the backplane.
   *
   * @throws SignalRError SIGNALR_CONNECTION_NOT_DECORATED
   */
  get(type: Type): IPersistentConnectionContext {
    const name = connectionName(type);
    let context = this.contexts.get(name);
    if (context === undefined) {
      const connection = new RawSender(name, this.backplane);
      const groups = new ConnectionGroupManager(name, connection, this.backplane, this.options.groupTimeout);
      context = { connection, groups };
      this.contexts.set(name, context);
    }
    return context;
  }
}
