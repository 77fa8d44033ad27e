import type { IncomingHttpHeaders } from 'node:http';

import type { Connection } from '../connections/connection.js';
import type { TransportName } from '../transports/channel.js';
import type { QueryValues } from '../transports/query.js';

/** A connection that carries what the application makes of it. */
export interface RawConnection extends Connection {
  /** Sends a text or bytes; resolves when there is room for more. */
  sendData(data: string | Uint8Array): Promise<void>;
  /** Ends the connection after what was sent. */
  close(): void;
}

/**
 * One client of a connection handler, for as long as it is connected. It may be kept and used outside of the handler: by
 * services, timers, other connections.
 *
 * @publicApi
 */
export class ConnectionContext {
  /** @internal */
  constructor(private readonly connection: RawConnection) {}

  /** Public id of the connection; safe to show to others. */
  get id(): string {
    return this.connection.id;
  }

  /** What carries the connection; undefined once it has ended. */
  get transport(): TransportName | undefined {
    return this.connection.transport;
  }

  /**
   * The authenticated user of the latest request, as middleware, `authenticate` or a guard has set it; undefined for
   * anonymous clients.
   */
  get user(): unknown {
    return this.connection.latestUser;
  }

  /** Who `IUserIdProvider` says the client is; undefined if it has no id. */
  get userIdentifier(): string | undefined {
    return this.connection.userId;
  }

  /** Headers of the request that opened the connection, by lower-case name. */
  get headers(): IncomingHttpHeaders {
    return this.connection.request.headers;
  }

  /** Parameters of the url that opened the connection: names in any case, repeated ones joined with a comma. */
  get query(): QueryValues {
    return this.connection.request.query;
  }

  /** Path and query that opened the connection. */
  get url(): string {
    return this.connection.request.url;
  }

  /** Address of the peer, as the socket knows it; behind a proxy that is the proxy. */
  get remoteAddress(): string | undefined {
    return this.connection.request.remoteAddress;
  }

  /** Values kept with the connection for as long as it lives. */
  get items(): Map<unknown, unknown> {
    return this.connection.items;
  }

  /** Fires when the connection has ended. */
  get aborted(): AbortSignal {
    return this.connection.aborted;
  }

  /**
   * Sends a text or bytes. They leave at the end of this turn of the event loop; each is a WebSocket message of its own. Texts
   * become UTF-8 where the handler has `transferFormat: 'Binary'`, and bytes must be UTF-8 where it has not.
   *
   * What the client does not take waits, within the limits of `outbox`; beyond them the connection is cut off. A connection
   * that has ended takes nothing, without an error.
   *
   * @returns a promise for who sends much. It resolves at once while less than `transportMaxBufferSize` waits, else when the
   * client has taken it or has gone. It never rejects.
   */
  send(data: string | Uint8Array): Promise<void> {
    return this.connection.sendData(data);
  }

  /** Ends the connection after everything that was sent. What the client has sent and nobody has read yet is dropped. */
  close(): void {
    this.connection.close();
  }
}
