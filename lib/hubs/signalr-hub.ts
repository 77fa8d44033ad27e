import { SignalRError } from '../common/errors.js';
import type { DynamicClient } from './client-proxy.js';
import type { HubGroupManager } from './hub-group-manager.js';
import type { HubCallerClients } from './hub-clients.js';
import type { HubCallerContext } from './hub-caller-context.js';

/** What belongs to one call of a hub, or to one lifecycle event. */
export interface HubCallScope {
  readonly context: HubCallerContext;
  readonly clients: HubCallerClients;
  readonly groups: HubGroupManager;
}

/** Where a hub object keeps the call it was made for. */
export const HUB_CALL = Symbol('SignalR hub call');

/**
 * Base class of hubs. Each call gets a hub object of its own that carries who calls; what the constructor was given or
 * made is shared, unless the hub is request-scoped.
 *
 * @typeParam TClient the methods that clients have, so that calls to them are checked. Default: any.
 * @publicApi
 */
export abstract class SignalRHub<TClient extends object = DynamicClient> {
  /** @internal */
  [HUB_CALL]?: HubCallScope;

  /** Selects clients to call. */
  get clients(): HubCallerClients<TClient> {
    return callOf(this as never).clients as HubCallerClients<TClient>;
  }

  /** Who calls. */
  get context(): HubCallerContext {
    return callOf(this as never).context;
  }

  /** Adds connections to groups of this hub and removes them. */
  get groups(): HubGroupManager {
    return callOf(this as never).groups;
  }

  /**
   * A client has connected. Messages sent to it from here arrive. For classic clients it runs inside `/start`, for Core
   * clients after the handshake. A throw refuses the connection. Default: nothing.
   */
  onConnected(): unknown {
    return undefined;
  }

  /** A classic client has returned over a new transport; Core clients connect anew instead. Default: nothing. */
  onReconnected(): unknown {
    return undefined;
  }

  /**
   * A Core client has brought a new token for this connection, and guards have accepted it; `context.user` is the new one. A
   * throw is logged. Default: nothing (signalr-core appendix B).
   */
  onAuthenticationRefreshed(): unknown {
    return undefined;
  }

  /**
   * A client is gone: once for each connection that `onConnected` succeeded for. A throw is logged.
   *
   * @param _stopCalled true if the client said goodbye, false if it vanished or the server ended it.
   * @param _error what it did wrong, if that ended a Core connection.
   */
  onDisconnected(_stopCalled: boolean, _error?: Error): unknown {
    return undefined;
  }

  /**
   * The call or event that this object was made for is over, with whatever outcome; a stream that the method returned has
   * ended as well. A throw is logged. Default: nothing (signalr-2 §6.8).
   */
  dispose(): unknown {
    return undefined;
  }
}

/** Not a member: every name but those above belongs to the methods of the hub. */
function callOf(hub: SignalRHub<never>): HubCallScope {
  const call = hub[HUB_CALL];
  if (call === undefined) {
    throw SignalRError.of('SIGNALR_HUB_INSTANCE');
  }
  return call;
}
