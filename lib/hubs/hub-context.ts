import type { HubConnections } from './hub-connections.js';
import type { HubGroupManager } from './hub-group-manager.js';
import type { DynamicClient } from './client-proxy.js';
import type { HubClients } from './hub-clients.js';
import type { SignalRHub } from './signalr-hub.js';

/** The client interface that a hub class was given. */
export type ClientOf<THub> = unknown extends THub
  ? DynamicClient
  : THub extends SignalRHub<infer TClient>
    ? TClient
    : DynamicClient;

/**
 * Calls clients of a hub from outside of it: from services, controllers, jobs. Inject it with `@InjectHubContext(Hub)`.
 * It is bound to no call and keeps the order of messages sent through it.
 *
 * @publicApi
 */
export interface IHubContext<THub = SignalRHub> {
  /** Selects clients to call. */
  readonly clients: HubClients<ClientOf<THub>>;
  /** Adds connections and users to groups of the hub and removes them. */
  readonly groups: HubGroupManager;
  /** Who is connected, who is online, and how to disconnect them. */
  readonly connections: HubConnections;
}
