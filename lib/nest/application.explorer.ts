import { Injectable } from '@nestjs/common';

import type { ConnectionHandlerDescriptor } from '../connection-handlers/connection-handler-host.js';
import type { PersistentConnectionDescriptor } from '../persistent-connections/persistent-connection-host.js';
import { ConnectionHandlerExplorer } from './connection-handler.explorer.js';
import { type DiscoveredHub, HubExplorer } from './hub.explorer.js';
import { PersistentConnectionExplorer } from './persistent-connection.explorer.js';
import { TakenPaths } from './taken-paths.js';

/** Everything of an application that clients can connect to. */
export interface DiscoveredApplication {
  readonly hubs: readonly DiscoveredHub[];
  readonly connections: readonly PersistentConnectionDescriptor[];
  readonly handlers: readonly ConnectionHandlerDescriptor[];
}

/** Finds what an application serves, and checks that no two things want the same path. */
@Injectable()
export class ApplicationExplorer {
  constructor(
    private readonly hubs: HubExplorer,
    private readonly connections: PersistentConnectionExplorer,
    private readonly handlers: ConnectionHandlerExplorer,
  ) {}

  /**
   * @param prefix what stands before all paths.
   * @param basePath base path of hubs, prefix included.
   * @throws SignalRError with one clear message for the first thing that cannot work.
   */
  explore(prefix: string, basePath: string): DiscoveredApplication {
    const taken = new TakenPaths();
    const hubs = this.hubs.explore(basePath, taken);
    const connections = this.connections.explore(prefix, taken);
    const handlers = this.handlers.explore(prefix, taken);
    return { hubs, connections, handlers };
  }
}
