import type { Type } from '@nestjs/common';

/** Transports of ASP.NET Core SignalR, by the names used in negotiate answers (signalr-core §1.3). */
export type CoreTransport = 'WebSockets' | 'ServerSentEvents' | 'LongPolling';

/** Whether text or bytes are sent; not every transport carries both (signalr-core §0). */
export type TransferFormat = 'Text' | 'Binary';

/** Options of a url that Core clients connect to, whatever they say there. */
export interface HttpConnectionOptions {
  /**
   * What clients may connect over. They try it in the fixed order WebSockets, ServerSentEvents, LongPolling.
   * Default: all (signalr-core §1.3).
   */
  transports: readonly CoreTransport[];
  /** Lowest negotiate version that is accepted. 1 keeps the connection id from being a key. Default: 0 (signalr-core §11.3). */
  minimumProtocolVersion: number;
  /**
   * Bytes of a client that may wait while its calls run; then its socket is no longer read, or its POST is not answered.
   * 0 for no limit. Default: 65,536 (signalr-core §2.1).
   */
  applicationMaxBufferSize: number;
  /**
   * Closes a connection, with leave to reconnect, when the authentication of its last request has expired. Default: false:
   * a connection outlives its token (signalr-core §4.11).
   */
  closeOnAuthenticationExpiration: boolean;
  /**
   * Lets clients bring a new token by `POST {path}/refresh?id=…`, so that their connection goes on. Default: false
   * (signalr-core appendix B).
   */
  enableAuthenticationRefresh: boolean;
  /** How long, in milliseconds, a peer may not read before it is cut off. Default: 10,000 (signalr-core §2.1). */
  transportSendTimeout: number;
  /** How long, in milliseconds, the server waits for the close frame of a peer. Default: 5,000 (signalr-core §2.2). */
  closeTimeout: number;
  /**
   * How long, in milliseconds, a poll is held when there is nothing to say. Clients give up after 100 seconds.
   * Default: 90,000 (signalr-core §2.4).
   */
  pollTimeout: number;
  /**
   * How long, in milliseconds, a connection is kept that no request is attached to: after negotiation, between two polls, and
   * after a socket was lost that may be replaced. Default: 15,000 (signalr-core §2.1).
   */
  disconnectTimeout: number;
}

/** Options of ASP.NET Core SignalR clients; globally under `core`, and for one hub in `@Hub({ … })`. */
export interface CoreHubOptions extends HttpConnectionOptions {
  /**
   * How long a client may take for its handshake, in milliseconds, and `IUserIdProvider` to say who it is. Default: 15,000
   * (signalr-core §3.2).
   */
  handshakeTimeout: number;
  /** How often the server pings, in milliseconds, whatever else it sends. Default: 15,000 (signalr-core §4.6). */
  keepAliveInterval: number;
  /**
   * After so many milliseconds without a message a client that has pinged before is cut off. Should be twice what the
   * clients use as their ping interval. Default: 30,000 (signalr-core §6.7).
   */
  clientTimeoutInterval: number;
  /** Largest message of a client in bytes, separator included; null for no limit. Default: 32,768 (signalr-core §4.7). */
  maximumReceiveMessageSize: number | null;
  /** Sends the text of any error to clients, not only that of a HubException. Never in production. Default: false. */
  enableDetailedErrors: boolean;
  /** How many calls of one client run at the same time; the next one waits. Default: 1 (signalr-core §6.1). */
  maximumParallelInvocationsPerClient: number;
  /**
   * How many streams of one client may be open at the same time, in both directions together; a call for one more fails.
   * Default: 100.
   */
  maximumParallelStreamsPerClient: number;
  /**
   * How many items of a stream of the client wait for the method; then nothing more of this client is read until the
   * method has taken one. Default: 10 (signalr-core §7.3).
   */
  streamBufferCapacity: number;
  /**
   * Names of the hub protocols that clients may choose: `json` and those of the `hubProtocols` option. Null for all of them.
   * Default: null (signalr-core §7.3).
   */
  supportedProtocols: readonly string[] | null;
  /**
   * Lets clients that ask for it replace a lost WebSocket without losing a message or their connection. Default: false
   * (signalr-core §2.6).
   */
  allowStatefulReconnects: boolean;
  /**
   * Bytes that are kept for such a client until it acknowledges them; then messages to it wait. Default: 100,000
   * (signalr-core §7.3).
   */
  statefulReconnectBufferSize: number;
}

/** Options of the url where Core clients find several hubs over one connection. */
export interface MultiplexOptions extends CoreHubOptions {
  /** Where clients find it, such as `/signalr/all`. */
  path: string;
  /** The hubs that may be had there, by class or name. Null for all. Default: null. */
  hubs: readonly (Type | string)[] | null;
}
