import type { IncomingHttpHeaders } from 'node:http';

import type { Connection, ProtocolFamily } from '../connections/connection.js';
import type { TransportName } from '../transports/channel.js';
import type { HubRequest } from '../transports/hub-request.js';
import type { QueryValues } from '../transports/query.js';

/**
 * Who calls, and over which request: for calls over a WebSocket the upgrade, otherwise the request that carried the
 * call (signalr-2 §7.5, signalr-core §6.10). Guards and parameter decorators get it as their client and request object,
 * so those written for HTTP find `headers`, `query` and `user` where they look for them.
 *
 * @publicApi
 */
export class HubCallerContext {
  /** @internal */
  constructor(
    private readonly connection: Connection,
    private readonly request: HubRequest,
  ) {}

  /** Public id of the connection; safe to show to others. */
  get connectionId(): string {
    return this.connection.id;
  }

  /** The authenticated user, as middleware, `authenticate` or a guard has set it; undefined for anonymous callers. */
  get user(): unknown {
    return this.request.user;
  }

  /**
   * The user of the latest request: on long polling of the latest poll, after a stateful reconnect of the new socket. It is the
   * same person with newer claims (signalr-core §6.10).
   */
  get currentUser(): unknown {
    return this.connection.latestUser ?? this.request.user;
  }

  set user(user: unknown) {
    this.request.user = user;
  }

  /** What `clients.user(id)` calls this user; undefined if it has no id. */
  get userIdentifier(): string | undefined {
    return this.connection.userId;
  }

  /** Values kept with the connection for as long as it lives, seen by every call of it on this node. */
  get items(): Map<unknown, unknown> {
    return this.connection.items;
  }

  /** Headers of the request by lower-case name. */
  get headers(): IncomingHttpHeaders {
    return this.request.headers;
  }

  /** Parameters of the request's url: names in any case, repeated ones joined with a comma. */
  get queryString(): QueryValues {
    return this.request.query;
  }

  /** The same as a plain object, for code written for HTTP requests. */
  get query(): Record<string, string> {
    return Object.fromEntries(this.request.query);
  }

  /** Path and query of the request. */
  get url(): string {
    return this.request.url;
  }

  /** Address of the peer, as the socket knows it; behind a proxy that is the proxy. */
  get remoteAddress(): string | undefined {
    return this.request.remoteAddress;
  }

  /** What carries the connection now; undefined while it is away. */
  get transport(): TransportName | undefined {
    return this.connection.transport;
  }

  /** The family of the client. */
  get protocol(): ProtocolFamily {
    return this.connection.protocol;
  }

  /** Fires when the connection has ended. */
  get connectionAborted(): AbortSignal {
    return this.connection.aborted;
  }

  /** Ends the connection. Core clients do not reconnect by themselves after that. */
  abort(): void {
    this.connection.disconnect({ allowReconnect: false });
  }
}
