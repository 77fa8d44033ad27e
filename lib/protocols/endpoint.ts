import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Connection } from '../connections/connection.js';
import type { ConnectionMetrics } from '../connections/connection-metrics.js';
import type { ConnectionLimiter } from '../connections/connection-limiter.js';
import type { ConnectionRegistry } from '../connections/connection-registry.js';
import type { ServerOptions } from '../common/options.js';
import type { HubCatalog } from '../hubs/hub-catalog.js';
import type { IUserIdProvider } from '../hubs/user-id-provider.js';
import type { ConnectGuard } from '../invocation/connect-guard.js';
import type { HubInvoker } from '../invocation/hub-invoker.js';
import type { Backplane } from '../messaging/backplane.js';
import type { CreateWebSocketServer, UpgradeRequest } from '../transports/upgrade.js';
import type { ClientResults } from './core/client-results.js';
import type { HubProtocol } from './core/hub-protocol.js';

/** Where one protocol family meets HTTP. */
export interface Endpoint {
  /** Paths that it answers exactly as they are. */
  readonly paths: readonly string[];
  /** It answers everything under this path as well; undefined if its paths are all. */
  readonly base: string | undefined;
  /** True if it takes bodies as they come, whatever their content type says: no parser of the application may read them. */
  readonly readsRawBodies: boolean;
  /** Answers a plain request. Never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): void | Promise<void>;
  /** Answers an upgrade request. Never rejects. */
  upgrade(upgrade: UpgradeRequest): void | Promise<void>;
  /** Looks after its connections; called by the heartbeat. */
  onHeartbeat(now: number): void;
  /** From now on answers every request with 503. */
  refuseClients(): void;
  /** Its connections. */
  connections(): Iterable<Connection>;
  /** Resolves when nothing of it is open any more; what is after `grace` milliseconds is dropped. */
  closeTransports(grace: number): Promise<void>;
}

/** What the protocols need of the rest of the library. */
export interface ProtocolServices {
  readonly options: ServerOptions;
  /** Base path, with the application's global prefix if it is to be used. */
  readonly basePath: string;
  readonly secrets: readonly string[];
  readonly catalog: HubCatalog;
  readonly invoker: HubInvoker;
  readonly connectGuard: ConnectGuard;
  readonly registry: ConnectionRegistry;
  readonly limiter: ConnectionLimiter;
  /** Undefined if nothing is measured. */
  readonly metrics: ConnectionMetrics | undefined;
  readonly backplane: Backplane;
  readonly userIds: IUserIdProvider;
  readonly createWebSocketServer: CreateWebSocketServer;
  /** Hub protocols of Core clients beside JSON. */
  readonly hubProtocols: readonly HubProtocol[];
  /** What Core clients were asked. */
  readonly clientResults: ClientResults;
}
