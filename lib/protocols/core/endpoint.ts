import type { IncomingMessage, ServerResponse } from 'node:http';

import { toError } from '../../common/errors.js';
import type { CoreHubOptions, CoreTransport } from '../../common/options.js';
import { traceSource } from '../../common/trace.js';
import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import { HubRequest } from '../../transports/hub-request.js';
import { isOriginAllowed } from '../../transports/cors.js';
import { type HttpAnswer, refuseUpgrade, sendAnswer } from '../../transports/http.js';
import { type UpgradeRequest, WebSocketAcceptor } from '../../transports/upgrade.js';
import { acceptsEventStream, adoptAccessToken } from '../access-token.js';
import { authenticate, AuthenticationError } from '../authenticate.js';
import type { Endpoint, ProtocolServices } from '../endpoint.js';
import { CoreCalls } from './calls.js';
import { negotiate } from './negotiate.js';
import { CoreConnection } from './session.js';
import { type CoreTicket, CoreTokens } from './tokens.js';

const PLAIN = { 'Content-Type': 'text/plain' };
const NO_CACHE = {
  'Cache-Control': 'no-cache, no-store',
  Pragma: 'no-cache',
  Expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
};

/**
 * So long, in milliseconds, a negotiated connection waits for its first request (signalr-core §2.1). A second more than
 * the reference, because tokens count whole seconds.
 */
const TOKEN_LIFETIME = 16_000;

/** Smallest limit of a WebSocket message: messages are limited one by one, and a frame may hold many of them. */
const MINIMUM_FRAME_LIMIT = 1_048_576;

const empty = (status: number): HttpAnswer => ({ status, headers: PLAIN });
const text = (status: number, body: string): HttpAnswer => ({ status, headers: PLAIN, body });

/** The two urls of one hub for Core clients: `{path}` and `{path}/negotiate` (signalr-core §1). */
export class CoreEndpoint implements Endpoint {
  private static readonly logger = traceSource('SignalR.HttpConnectionDispatcher');
  private readonly options: CoreHubOptions;
  readonly paths: readonly string[];
  readonly base = undefined;
  private readonly tokens: CoreTokens;
  private readonly calls: CoreCalls;
  private readonly acceptor: WebSocketAcceptor;
  private readonly open = new Map<string, CoreConnection>();
  /** Connections that have ended while their token is still fresh: it must not open another one. */
  private readonly recentlyEnded = new Map<string, number>();
  private closing = false;

  constructor(
    private readonly hub: HubDescriptor,
    private readonly services: ProtocolServices,
  ) {
    this.options = hub.coreOptions as CoreHubOptions;
    this.paths = [hub.path, `${hub.path}/negotiate`];
    this.tokens = new CoreTokens(services.secrets, hub.path);
    this.calls = new CoreCalls(hub, this.options, services.invoker);
    this.acceptor = new WebSocketAcceptor(services.createWebSocketServer, {
      maxPayload:
        this.options.maximumReceiveMessageSize === null
          ? 0
          : Math.max(MINIMUM_FRAME_LIMIT, 2 * this.options.maximumReceiveMessageSize),
      closeTimeout: this.options.closeTimeout,
    });
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    sendAnswer(
      response,
      await this.safely(request, (hubRequest) => this.answer(request, response, hubRequest)),
    );
  }

  async upgrade(upgrade: UpgradeRequest): Promise<void> {
    const { request, socket } = upgrade;
    const answer = await this.safely(request, async (hubRequest) => {
      if (!isOriginAllowed(request, this.services.options)) {
        return { status: 403 };
      }
      return (await this.admit(request, undefined, hubRequest)) ?? this.connect(upgrade, hubRequest);
    });
    if (answer !== undefined) {
      refuseUpgrade(socket, answer);
    }
  }

  onHeartbeat(now: number): void {
    for (const connection of this.open.values()) {
      connection.onHeartbeat(now);
    }
    for (const [connectionId, until] of this.recentlyEnded) {
      if (until > now) {
        break;
      }
      this.recentlyEnded.delete(connectionId);
    }
  }

  refuseClients(): void {
    this.closing = true;
  }

  connections(): Iterable<CoreConnection> {
    return this.open.values();
  }

  closeTransports(grace: number): Promise<void> {
    return this.acceptor.close(grace, this.services.options.clock);
  }

  /** Anything thrown becomes an answer; the process lives on. */
  private async safely<T extends HttpAnswer | undefined>(
    request: IncomingMessage,
    handle: (hubRequest: HubRequest) => Promise<T>,
  ): Promise<T | HttpAnswer> {
    try {
      adoptAccessToken(request);
      await authenticate(request, this.services.options);
      return await handle(new HubRequest(request));
    } catch (error) {
      if (error instanceof AuthenticationError) {
        return { status: 401 };
      }
      CoreEndpoint.logger.error(`a request to hub ${this.hub.name} failed`, toError(error).stack);
      return empty(500);
    }
  }

  private async answer(
    request: IncomingMessage,
    response: ServerResponse,
    hubRequest: HubRequest,
  ): Promise<HttpAnswer> {
    if (CoreEndpoint.logger.isDebug) {
      CoreEndpoint.logger.debug(`${request.method ?? ''} at ${this.hub.path}`);
    }
    const refused = await this.admit(request, response, hubRequest);
    if (refused !== undefined) {
      return refused;
    }
    if (depth(hubRequest.path) > depth(this.hub.path)) {
      return this.negotiate(request, hubRequest);
    }
    switch (request.method) {
      case 'GET':
      case 'CONNECT':
        return this.receive(request, hubRequest);
      case 'POST':
        return this.post(hubRequest);
      case 'DELETE':
        return this.delete(hubRequest);
      default:
        return empty(405);
    }
  }

  /** Guards of the hub run before anything below happens, on every request (signalr-core §1.1). */
  private async admit(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    hubRequest: HubRequest,
  ): Promise<HttpAnswer | undefined> {
    if (this.closing) {
      return empty(503);
    }
    const admission = await this.services.connectGuard.admit(this.hub, request, response, hubRequest);
    if (!admission.allowed) {
      return { status: admission.status };
    }
    // Guards put the user on the request.
    hubRequest.user = (request as { user?: unknown }).user;
    return undefined;
  }

  private negotiate(request: IncomingMessage, { query }: HubRequest): HttpAnswer {
    return request.method === 'POST'
      ? negotiate(query, this.options, this.tokens, this.wallClock())
      : empty(405);
  }

  private receive(request: IncomingMessage, { query }: HubRequest): HttpAnswer {
    const isStream = acceptsEventStream(request);
    const found = this.find(query.get('id'));
    const answer =
      'rejection' in found ? found.rejection : unsupported(isStream ? 'ServerSentEvents' : 'LongPolling');
    return isStream ? answer : { ...answer, headers: { ...answer.headers, ...NO_CACHE } };
  }

  private post({ query }: HubRequest): HttpAnswer {
    const found = this.find(query.get('id'));
    return 'rejection' in found
      ? found.rejection
      : text(405, 'POST requests are not allowed for WebSocket connections.');
  }

  private delete({ query }: HubRequest): HttpAnswer {
    const found = this.find(query.get('id'));
    return 'rejection' in found
      ? found.rejection
      : text(400, 'Cannot terminate this connection using the DELETE endpoint.');
  }

  private async connect(upgrade: UpgradeRequest, hubRequest: HubRequest): Promise<HttpAnswer | undefined> {
    if (acceptsEventStream(upgrade.request)) {
      return this.receive(upgrade.request, hubRequest);
    }
    const id = hubRequest.query.get('id');
    // Without an id the client skips negotiation: its connection id is its token, as with version 0 (signalr-core §1.5).
    const found: Found = isPresent(id) ? this.find(id) : { ticket: this.tokens.issue(0, this.wallClock()) };
    if ('rejection' in found) {
      return { status: found.rejection.status, body: found.rejection.body ?? '' };
    }
    if (!this.options.transports.includes('WebSockets')) {
      return unsupported('WebSockets');
    }
    // Asked before the check: between that and the accepting of the socket nothing may come.
    const userId = await this.limitedUser(hubRequest);
    if (this.open.has(found.ticket.connectionId)) {
      return empty(409);
    }
    const refusal = this.services.limiter.refuse(hubRequest, userId);
    if (refusal !== undefined) {
      return empty(refusal);
    }
    this.accept(upgrade, found.ticket, hubRequest, userId);
    return undefined;
  }

  /** Who a connection counts for; asked for only if that matters, because hubs ask again after the handshake. */
  private async limitedUser(hubRequest: HubRequest): Promise<string | undefined> {
    const { options, userIds } = this.services;
    return options.limits.maxConnectionsPerUser === null
      ? undefined
      : ((await userIds.getUserId(hubRequest)) ?? undefined);
  }

  private accept(
    upgrade: UpgradeRequest,
    { connectionId }: CoreTicket,
    hubRequest: HubRequest,
    userId: string | undefined,
  ): void {
    const connection = new CoreConnection(
      connectionId,
      hubRequest,
      this.hub,
      this.options,
      this.services,
      this.calls,
      (ended) => this.forget(ended),
    );
    this.acceptor.accept(upgrade, (channel) => {
      this.open.set(connectionId, connection);
      this.services.limiter.enter(connectionId, hubRequest, userId);
      connection.attach(channel);
    });
  }

  private forget(connection: CoreConnection): void {
    this.open.delete(connection.id);
    this.services.limiter.leave(connection.id);
    const now = this.services.options.clock.now();
    if (now - connection.createdAt <= TOKEN_LIFETIME) {
      this.recentlyEnded.set(connection.id, now + TOKEN_LIFETIME);
    }
  }

  /** The connection of an `id`: a token that is attached, or still fresh. */
  private find(id: string | undefined): Found {
    if (!isPresent(id)) {
      return { rejection: text(400, 'Connection ID required') };
    }
    const ticket = this.tokens.read(id);
    const isKnown = ticket !== undefined && (this.open.has(ticket.connectionId) || this.isFresh(ticket));
    return isKnown ? { ticket } : { rejection: text(404, 'No Connection with that ID') };
  }

  private isFresh({ connectionId, issuedAt }: CoreTicket): boolean {
    return this.wallClock() - issuedAt * 1000 < TOKEN_LIFETIME && !this.recentlyEnded.has(connectionId);
  }

  /** Tokens carry a time that all nodes understand; tests move it with their clock. */
  private wallClock(): number {
    return performance.timeOrigin + this.services.options.clock.now();
  }
}

type Found = { readonly ticket: CoreTicket } | { readonly rejection: HttpAnswer };

/** How many segments a path has: `{path}/negotiate` has one more than `{path}`, however either is escaped. */
function depth(path: string): number {
  return path.split('/').filter((segment) => segment !== '').length;
}

function isPresent(id: string | undefined): id is string {
  return id !== undefined && id !== '';
}

function unsupported(transport: CoreTransport | 'ServerSentEvents' | 'LongPolling'): HttpAnswer {
  return text(404, `${transport} transport not supported by this end point type`);
}
