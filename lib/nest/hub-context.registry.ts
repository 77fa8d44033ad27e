import { Inject, Injectable, type Type } from '@nestjs/common';

import type { ServerOptions } from '../common/options.js';
import { HubConnections } from '../hubs/hub-connections.js';
import { HubGroupManager } from '../hubs/hub-group-manager.js';
import { HubCatalog } from '../hubs/hub-catalog.js';
import { HubClients } from '../hubs/hub-clients.js';
import type { IHubContext } from '../hubs/hub-context.js';
import { hubName } from '../hubs/hub.metadata.js';
import { HubSender } from '../hubs/hub-sender.js';
import { HubPipeline } from '../invocation/hub-pipeline.js';
import type { Backplane } from '../messaging/backplane.js';
import type { SignalRModuleOptions } from './signalr.module-options.js';
import { BACKPLANE, MODULE_OPTIONS, SERVER_OPTIONS } from './signalr.tokens.js';

/** The context of a hub, with what the library itself needs of it. */
export interface HubContextParts extends IHubContext<never> {
  readonly sender: HubSender;
}

/**
 * Finds the context of a hub at run time, where `@InjectHubContext` cannot name it.
 *
 * @publicApi
 */
@Injectable()
export class HubContextRegistry {
  private readonly contexts = new Map<string, HubContextParts>();

  constructor(
    @Inject(BACKPLANE) private readonly backplane: Backplane,
    @Inject(SERVER_OPTIONS) private readonly options: ServerOptions,
    @Inject(MODULE_OPTIONS) private readonly moduleOptions: SignalRModuleOptions,
    private readonly catalog: HubCatalog,
    private readonly pipeline: HubPipeline,
  ) {}

  /**
   * The context of a hub, by class or by name in any case. A class needs no provider in this application: processes
   * without hubs can call the clients of others through the backplane.
   *
   * @throws SignalRError SIGNALR_HUB_UNKNOWN, SIGNALR_HUB_NOT_DECORATED
   */
  get<THub>(hub: Type<THub> | string): IHubContext<THub> {
    const name = typeof hub === 'string' ? this.catalog.get(hub).name : hubName(hub);
    return this.parts(name) as unknown as IHubContext<THub>;
  }

  /** @internal */
  parts(name: string): HubContextParts {
    let parts = this.contexts.get(name);
    if (parts === undefined) {
      const sender = new HubSender(
        name,
        this.backplane,
        () => this.pipeline.of(name).outgoing,
        this.moduleOptions.hubProtocols,
        this.options.clientResultTimeout,
      );
      parts = {
        sender,
        clients: new HubClients(sender),
        groups: new HubGroupManager(name, this.backplane, this.options.groupTimeout),
        connections: new HubConnections(name, this.backplane, this.options.groupTimeout),
      };
      this.contexts.set(name, parts);
    }
    return parts;
  }
}
