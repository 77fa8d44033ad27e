import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

import type { Clock } from './clock.js';
import type { CoreHubOptions, MultiplexOptions } from './core-options.js';
import type { TracingOption } from './trace.js';

/** Transports of classic SignalR, by the names used in requests (signalr-2 §1.3). */
export type ClassicTransport = 'webSockets' | 'serverSentEvents' | 'foreverFrame' | 'longPolling';

/** Options of classic SignalR clients (signalr-2 §4.2, §7.10). */
export interface ClassicOptions {
  /** How long, in milliseconds, a lost connection is kept for its client to return. At least 6,000. Default: 30,000. */
  disconnectTimeout: number;
  /**
   * How often, in milliseconds, a keep-alive is sent; null for never. At least 2,000, at most a third of
   * `disconnectTimeout`. Default: a third of `disconnectTimeout`.
   */
  keepAlive: number | null;
  /** Longest life of a poll, in milliseconds; told to clients. Default: 110,000. */
  connectionTimeout: number;
  /** What clients add to the time they give a transport, in milliseconds. Default: 5,000. */
  transportConnectTimeout: number;
  /** What polling clients wait between polls, in milliseconds. Default: 0. */
  longPollDelay: number;
  /**
   * Messages that the embedded backplane keeps per topic for clients that come back; at least 32 are kept. Another
   * backplane has an option of its own. Default: 1,000.
   */
  defaultMessageBufferSize: number;
  /** Largest WebSocket message of a client in bytes; null for no limit. Default: 65,536. */
  maxIncomingWebSocketMessageSize: number | null;
  /** Largest body of a request in bytes. Default: 1,048,576. */
  maxRequestBodySize: number;
  /** How many calls of one connection may be running before it has to wait. Default: 1,000. */
  maximumParallelInvocationsPerClient: number;
  /** Sends the text of any error to clients, not only that of a HubException. Never in production. Default: false. */
  enableDetailedErrors: boolean;
  /**
   * Adds the stack trace (`T`) to errors whose text clients get to read. Never in production. Default: true if `NODE_ENV`
   * is `development` (signalr-2 §6.3).
   */
  developmentMode: boolean;
  /** Answers requests with a `callback` by scripts, for pages of other origins in very old browsers. Default: false. */
  enableJSONP: boolean;
  /** Serves the generated proxy at `hubs` and `js`. Default: true. */
  enableJavaScriptProxies: boolean;
  /** Url of the hubs that the generated proxy has, for servers that clients know under another path. Default: its own. */
  proxyUrl: string | undefined;
  /** Shrinks the generated proxy; called once with the whole script. A throw answers 500. Default: leaves it as it is. */
  minifyProxy: ((script: string) => string) | undefined;
  /** What clients may connect over. Default: all. */
  transports: readonly ClassicTransport[];
}

/** What waits for a slow receiver (DESIGN: a sender never waits for one). */
export interface OutboxOptions {
  /** Bytes that may wait for one connection. Default: 1,048,576. */
  maxBytes: number;
  /** Messages that may wait for one connection. Default: 10,000. */
  maxMessages: number;
  /**
   * What happens beyond that: `close` drops the connection, `dropOldest` and `keepLatest` leave out messages, never
   * answers. Default: `close`.
   */
  policy: 'close' | 'dropOldest' | 'keepLatest';
}

/** How servers serve requests of clients that have come to another one (docs/sticky-sessions.md). */
export interface RelayOptions {
  /**
   * Bytes of one body or line that may be on their way between two servers, in each direction; text counts one per
   * character, bytes as base64. Who sends more is not read until the other end has taken some. Default: 131,072.
   */
  maxBytes: number;
  /**
   * How long, in milliseconds, a server may be silent while something is relayed, before it counts as gone. Each says three
   * times as often that it is alive, so it has to be the same on all servers. At least 3,000. Default: 15,000.
   */
  nodeTimeout: number;
}

/** Which pages of other origins may use hubs. */
export interface CorsOptions {
  /** Origins such as `https://app.example`, in any case, or `*` for all. */
  origins: '*' | readonly string[];
  /**
   * Lets pages send cookies and other credentials, which the JavaScript clients of both families do by default. With
   * `*` that opens hubs to pages of anybody, in the name of whoever looks at them. Default: true for a list of origins,
   * false for `*`.
   */
  credentials: boolean;
  /** How long, in milliseconds, browsers may remember the answer to a preflight. Default: 600,000. */
  maxAge: number;
}

/** What a request tells of where its client is. */
export interface ClientAddress {
  readonly headers: IncomingHttpHeaders;
  /** Address of the socket. */
  readonly remoteAddress: string | undefined;
}

/** How many connections one process takes; null for no limit. */
export interface LimitOptions {
  /** All together; one more is refused with 503. Default: null. */
  maxConnections: number | null;
  /** Of one user, by the id that `clients.user(id)` takes; one more is refused with 429. Default: null. */
  maxConnectionsPerUser: number | null;
  /** From one address; one more is refused with 429. Default: null. */
  maxConnectionsPerAddress: number | null;
  /** The address of a client. Behind a proxy read it from a header that the proxy sets. Default: that of the socket. */
  addressOf: (request: ClientAddress) => string | undefined;
}

/** Where a client is sent instead. */
export interface Redirection {
  /** Url of the hub, or for classic clients of the base path, on the other server; its query is kept. */
  readonly url: string;
  /** What the client uses as its bearer token there. Default: what it has. */
  readonly accessToken?: string;
}

/** Somebody who negotiates, with all that guards and `authenticate` have found. */
export interface NegotiatingClient {
  readonly family: 'classic' | 'core';
  /** Path and query of the request. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly user: unknown;
  readonly remoteAddress: string | undefined;
}

/** Options that both families share, complete. */
export interface ServerOptions {
  /** Base path: classic clients use it as their url, Core clients find each hub under it. Default: `/signalr`. */
  path: string;
  /** Puts the application's global prefix in front of all paths. Default: false. */
  useGlobalPrefix: boolean;
  /**
   * Where requests for hubs are taken. `middleware`: where `SignalRModule` stands among the middleware of Express or Fastify, behind
   * what was added with `app.use()`. `server`: straight from the HTTP server, which costs much less for each negotiation, poll and
   * POST; no middleware sees them then (sessions, `request.user`, `enableCors()`, rate limits), as none ever sees an upgrade. Default:
   * `middleware`.
   */
  mount: 'middleware' | 'server';
  /**
   * Key of the tokens that clients carry; the first one of a list encrypts, all decrypt. Every node needs the same.
   * Default: random, so that clients cannot resume after a restart.
   */
  secret: string | readonly string[];
  /**
   * Finds the user of a request, upgrades included; runs before guards. A throw refuses the request with 401.
   * Default: what middleware put on `request.user`.
   */
  authenticate: ((request: IncomingMessage) => unknown) | undefined;
  /**
   * Sends clients to another server; called for each negotiation, after guards. A throw answers 500. Classic clients before
   * 2.4 do not understand it, so they are not asked about. Default: nobody is sent away (signalr-2 §2.2, signalr-core §1.4).
   */
  redirect:
    ((client: NegotiatingClient) => Redirection | undefined | Promise<Redirection | undefined>) | undefined;
  /**
   * When the authentication of a request expires, in milliseconds since 1970; for `closeOnAuthenticationExpiration` and
   * `enableAuthenticationRefresh`. A throw refuses the request with 500. Default: `exp` of the user, else of the JWT that the
   * request carries as bearer; without either it never expires.
   */
  authenticationExpiry: (request: IncomingMessage) => number | undefined;
  /**
   * Refuses clients that are not authenticated, for all hubs and persistent connections: when they connect and on each
   * call. Default: false (signalr-2 §7.7).
   */
  requireAuthentication: boolean;
  /**
   * Answers requests of pages of other origins, preflights included, and refuses WebSockets of origins that are not
   * listed. False leaves all of that to the application. Default: false (signalr-2 §11.4).
   */
  cors: CorsOptions | false;
  /**
   * Origins whose pages may open WebSockets, in any case; `*` for all. Default: those of `cors` and the server's own, or
   * all without `cors` (signalr-core §11.1).
   */
  allowedOrigins: readonly string[];
  /** Applies the application's global exception filters to hub methods. Default: false, like Nest's gateways. */
  useGlobalFilters: boolean;
  /** How long, in milliseconds, a client has to answer when it is asked for a result. Default: 30,000 (signalr-core §4.12). */
  clientResultTimeout: number;
  /** How long, in milliseconds, adding to or removing from a group waits for the owner of the connection. Default: 30,000. */
  groupTimeout: number;
  /** How long, in milliseconds, `app.close()` waits for running calls and `onDisconnected` of all hubs. Default: 5,000. */
  shutdownTimeout: number;
  /**
   * Raises `onDisconnected` of hubs, persistent connections and connection handlers for connections whose node died, on one of the
   * nodes that are left: for Core clients when its lease has ended, for classic ones `classic.disconnectTimeout` later, unless they
   * have returned to another node. What is seen of such a connection is who it was: its request and `items` are not known any
   * more. Default: false.
   */
  raiseDisconnectedOfLostNodes: boolean;
  outbox: OutboxOptions;
  relay: RelayOptions;
  limits: LimitOptions;
  /** Options of classic clients, or false to refuse them. */
  classic: ClassicOptions | false;
  /** Options of Core clients, or false to refuse them. */
  core: CoreHubOptions | false;
  /**
   * A url where Core clients find several hubs over one connection: they call `hub.method`, and are called so. Default:
   * false, there is none.
   */
  multiplex: MultiplexOptions | false;
  /**
   * Which parts write traces of what they do to Nest's logger. It holds for the process. Default: none; warnings and
   * errors are always written (signalr-2 §7.13).
   */
  tracing: TracingOption;
  /** Where time comes from; for tests. Default: the clock of the machine. */
  clock: Clock;
}
