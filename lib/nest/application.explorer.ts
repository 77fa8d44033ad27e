import { Inject, Injectable } from '@nestjs/common';

import { SignalRError } from '../common/errors.js';
import type { ServerOptions } from '../common/options.js';
import type { ConnectionHandlerDescriptor } from '../connection-handlers/connection-handler-host.js';
import type { PersistentConnectionDescriptor } from '../persistent-connections/persistent-connection-host.js';
import { HubCatalog } from '../hubs/hub-catalog.js';
import { pathsOf } from '../protocols/core/endpoint.js';
import type { SharedUrl } from '../protocols/core/multiplex-application.js';
import { ConnectionHandlerExplorer } from './connection-handler.explorer.js';
import { type DiscoveredHub, HubExplorer } from './hub.explorer.js';
import { PersistentConnectionExplorer } from './persistent-connection.explorer.js';
import { SERVER_OPTIONS } from './signalr.tokens.js';
import { TakenPaths } from './taken-paths.js';

/** Everything of an application that clients can connect to. */
export interface DiscoveredApplication {
  readonly hubs: readonly DiscoveredHub[];
  readonly connections: readonly PersistentConnectionDescriptor[];
  readonly handlers: readonly ConnectionHandlerDescriptor[];
  /** Where several hubs share a connection of Core clients; undefined if nowhere. */
  readonly shared: SharedUrl | undefined;
}

/** Finds what an application serves, and checks that no two things want the same path. */
@Injectable()
export class ApplicationExplorer {
  constructor(
    private readonly hubs: HubExplorer,
    private readonly connections: PersistentConnectionExplorer,
    private readonly handlers: ConnectionHandlerExplorer,
    private readonly catalog: HubCatalog,
    @Inject(SERVER_OPTIONS) private readonly options: ServerOptions,
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
    return { hubs, connections, handlers, shared: this.shared(prefix, taken) };
  }

  private shared(prefix: string, taken: TakenPaths): SharedUrl | undefined {
    const { multiplex } = this.options;
    if (multiplex === false) {
      return undefined;
    }
    const { path, hubs, ...options } = multiplex;
    const used = taken.take(pathsOf(prefix + path), 'multiplex');
    if (used !== undefined) {
      const complaint = `'${used.path}' is used by ${used.owner}.`;
      throw SignalRError.of('SIGNALR_OPTION_INVALID', 'multiplex.path', complaint);
    }
    return {
      path: prefix + path,
      hubs: [...new Set(hubs?.map((hub) => this.catalog.get(hub)) ?? this.catalog)],
      options,
    };
  }
}
