import { SignalRError } from '../common/errors.js';
import type { HubRequest } from '../transports/hub-request.js';
import type {
  ConnectionGroupManager,
  IConnection,
  IPersistentConnectionContext,
} from './persistent-connection.context.js';

/** Where a persistent connection keeps the means to send. */
export const CONNECTION_CONTEXT = Symbol('SignalR persistent connection context');

/**
 * Base class of persistent connections: classic SignalR without hubs, where texts come from clients and values go to
 * them (signalr-2 §7.11). One object serves all clients, so what belongs to one of them is not kept in it.
 *
 * @publicApi
 */
export abstract class SignalRPersistentConnection {
  /** @internal */
  [CONNECTION_CONTEXT]?: IPersistentConnectionContext;

  /** Sends to clients. @throws SignalRError SIGNALR_CONNECTION_INSTANCE before the application has been initialised */
  get connection(): IConnection {
    return this.context.connection;
  }

  /** Adds connections to groups, removes them, and sends to groups. Throws like {@link connection}. */
  get groups(): ConnectionGroupManager {
    return this.context.groups;
  }

  /**
   * Says whether a request is let in. Runs on every request, after guards of the class. False answers 401, or 403 if the
   * user is known; a throw answers 500. Default: true.
   */
  authorizeRequest(_request: HubRequest): boolean | Promise<boolean> {
    return true;
  }

  /** A client has connected. What is sent to it from here arrives. A throw refuses it. Default: nothing. */
  onConnected(_request: HubRequest, _connectionId: string): unknown {
    return undefined;
  }

  /** A client has returned over a new transport. A throw ends the request. Default: nothing. */
  onReconnected(_request: HubRequest, _connectionId: string): unknown {
    return undefined;
  }

  /** A client has sent a text. A throw is logged, and answered with 500 unless it came over a WebSocket. Default: nothing. */
  onReceived(_request: HubRequest, _connectionId: string, _data: string): unknown {
    return undefined;
  }

  /**
   * A client is gone. A throw is logged. Default: nothing.
   *
   * With the option `raiseDisconnectedOfLostNodes` also called for clients of a server that died, with an empty request.
   *
   * @param _stopCalled true if it said goodbye, false if it vanished or the server ended it.
   */
  onDisconnected(_request: HubRequest, _connectionId: string, _stopCalled: boolean): unknown {
    return undefined;
  }

  /**
   * Says which of its groups a client gets again; called on every request after negotiation, with an empty list if it
   * has none. A throw answers 500. Default: all of them.
   */
  onRejoiningGroups(
    _request: HubRequest,
    groups: readonly string[],
    _connectionId: string,
  ): readonly string[] | Promise<readonly string[]> {
    return groups;
  }

  private get context(): IPersistentConnectionContext {
    if (this[CONNECTION_CONTEXT] === undefined) {
      throw SignalRError.of('SIGNALR_CONNECTION_INSTANCE');
    }
    return this[CONNECTION_CONTEXT];
  }
}
