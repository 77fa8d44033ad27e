import type { IncomingMessage, ServerResponse } from 'node:http';

import { toError } from '../../common/errors.js';
import type { CoreHubOptions, CoreTransport } from '../../common/options.js';
import { traceSource } from '../../common/trace.js';
import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import { isOriginAllowed } from '../../transports/cors.js';
import {
  bodyChunks,
  BodyError,
  type HttpAnswer,
  refuseUpgrade,
  respondWithoutUpgrade,
  sendAnswer,
} from '../../transports/http.js';
import { type UpgradeRequest, WebSocketAcceptor } from '../../transports/upgrade.js';
import { acceptsEventStream, adoptAccessToken } from '../access-token.js';
import { authenticate, AuthenticationError } from '../authenticate.js';
import type { Endpoint, ProtocolServices } from '../endpoint.js';
import { empty, notCached, TAKEN, text, unsupported } from './answers.js';
import { CoreCalls } from './calls.js';
import { ConnectionTable, type Found } from './connection-table.js';
import type { HttpConnection } from './http-connection.js';
import { hubProtocolsOf } from './hub-protocols.js';
import { negotiate, redirectTo } from './negotiate.js';
import { REFRESH_DISABLED, refreshAuthentication } from './refresh.js';
import { CoreRequest } from './request.js';
import { CoreConnection } from './session.js';
import { type CoreTicket, CoreTokens } from './tokens.js';

/** Smallest limit of a WebSocket message: messages are limited one by one, and a frame may hold many of them. */
const MINIMUM_FRAME_LIMIT = 1_048_576;

/** What an `id` stands for, if the request may have it. */
type Known = Exclude<Found, { readonly rejection: HttpAnswer }>;

/** The urls of one hub for Core clients: `{path}`, `{path}/negotiate` and `{path}/refresh` (signalr-core §1). */
export class CoreEndpoint implements Endpoint {
  private static readonly logger = traceSource('SignalR.HttpConnectionDispatcher');
  private readonly options: CoreHubOptions;
  readonly paths: readonly string[];
  readonly base = undefined;
  readonly readsRawBodies = true;
  private readonly tokens: CoreTokens;
  private readonly table: ConnectionTable;
  private readonly acceptor: WebSocketAcceptor;
  private closing = false;

  constructor(
    private readonly hub: HubDescriptor,
    private readonly services: ProtocolServices,
  ) {
    const options = hub.coreOptions as CoreHubOptions;
    this.options = options;
    this.paths = pathsOf(hub);
    this.tokens = new CoreTokens(services.secrets, hub.path);
    const calls = new CoreCalls(hub, options, services.invoker);
    const protocols = hubProtocolsOf(hub, services.hubProtocols);
    this.table = new ConnectionTable(
      this.tokens,
      options,
      services.options.clock,
      (ticket, request, onForgotten) =>
        new CoreConnection(ticket, request, hub, options, services, calls, protocols, () => {
          services.limiter.leave(ticket.connectionId);
          onForgotten();
        }),
    );
    this.acceptor = new WebSocketAcceptor(services.createWebSocketServer, {
      maxPayload:
        options.maximumReceiveMessageSize === null
          ? 0
          : Math.max(MINIMUM_FRAME_LIMIT, 2 * options.maximumReceiveMessageSize),
      closeTimeout: options.closeTimeout,
    });
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.safely(request, (hubRequest) => this.answer(request, response, hubRequest));
    if (answer !== TAKEN) {
      sendAnswer(response, answer);
    }
  }

  async upgrade(upgrade: UpgradeRequest): Promise<void> {
    const { request, socket } = upgrade;
    const answer = await this.safely(request, async (hubRequest) => {
      if (!isOriginAllowed(request, this.services.options)) {
        return { status: 403 };
      }
      return (await this.admit(request, undefined, hubRequest)) ?? this.connect(upgrade, hubRequest);
    });
    if (answer !== TAKEN) {
      refuseUpgrade(socket, answer);
    }
  }

  onHeartbeat(now: number): void {
    this.table.onHeartbeat(now);
  }

  refuseClients(): void {
    this.closing = true;
  }

  *connections(): IterableIterator<CoreConnection> {
    for (const { session } of this.table) {
      yield session;
    }
  }

  async closeTransports(grace: number): Promise<void> {
    const { clock } = this.services.options;
    await Promise.all([this.acceptor.close(grace, clock), this.closeResponses(grace)]);
  }

  /** Clients that poll may still come for their Close, and streams may still be read; so long and no longer. */
  private async closeResponses(grace: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.services.options.clock.after(grace, resolve);
      void this.table.whenEmpty().then(() => {
        cancel();
        resolve();
      });
    });
    for (const connection of this.table) {
      connection.destroy();
    }
  }

  /** Anything thrown becomes an answer; the process lives on. */
  private async safely(
    request: IncomingMessage,
    handle: (hubRequest: CoreRequest) => Promise<HttpAnswer>,
  ): Promise<HttpAnswer> {
    try {
      adoptAccessToken(request);
      await authenticate(request, this.services.options);
      return await handle(new CoreRequest(request));
    } catch (error) {
      if (error instanceof AuthenticationError) {
        return { status: 401 };
      }
      if (error instanceof BodyError) {
        return empty(error.status);
      }
      CoreEndpoint.logger.error(`a request to hub ${this.hub.name} failed`, toError(error).stack);
      return empty(500);
    }
  }

  private async answer(
    request: IncomingMessage,
    response: ServerResponse,
    hubRequest: CoreRequest,
  ): Promise<HttpAnswer> {
    if (CoreEndpoint.logger.isDebug) {
      CoreEndpoint.logger.debug(`${request.method ?? ''} at ${this.hub.path}`);
    }
    const refused = await this.admit(request, response, hubRequest);
    if (refused !== undefined) {
      return refused;
    }
    if (depth(hubRequest.path) > depth(this.hub.path)) {
      return /refresh\/*$/i.test(hubRequest.path)
        ? this.refresh(request, hubRequest)
        : this.negotiate(request, hubRequest);
    }
    switch (request.method) {
      case 'GET':
      case 'CONNECT':
        return acceptsEventStream(request)
          ? this.stream(() => response, hubRequest)
          : notCached(this.poll(response, hubRequest));
      case 'POST':
        return this.post(request, hubRequest);
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
    hubRequest: CoreRequest,
  ): Promise<HttpAnswer | undefined> {
    const admission = await this.services.connectGuard.admit(this.hub, request, response, hubRequest);
    if (!admission.allowed) {
      return { status: admission.status };
    }
    // Guards put the user on the request.
    hubRequest.user = (request as { user?: unknown }).user;
    const { options, userIds } = this.services;
    if (this.options.closeOnAuthenticationExpiration || this.options.enableAuthenticationRefresh) {
      hubRequest.expiresAt = options.authenticationExpiry(request);
    }
    if (options.limits.maxConnectionsPerUser !== null) {
      hubRequest.countedUser = (await userIds.getUserId(hubRequest)) ?? undefined;
    }
    return undefined;
  }

  private async negotiate(request: IncomingMessage, hubRequest: CoreRequest): Promise<HttpAnswer> {
    if (request.method !== 'POST') {
      return empty(405);
    }
    if (this.closing) {
      return empty(503);
    }
    const { url, headers, user, remoteAddress, query } = hubRequest;
    const { redirect } = this.services.options;
    const redirection = await redirect?.({ family: 'core', url, headers, user, remoteAddress });
    return redirection === undefined
      ? negotiate(query, this.options, this.tokens, this.table.wallClock())
      : redirectTo(redirection);
  }

  /** The client brings a new token for a connection that goes on (signalr-core appendix B). */
  private refresh(request: IncomingMessage, hubRequest: CoreRequest): HttpAnswer {
    if (request.method !== 'POST') {
      return empty(405);
    }
    if (!this.options.enableAuthenticationRefresh) {
      return REFRESH_DISABLED;
    }
    return refreshAuthentication(
      this.table.find(hubRequest.query.get('id')),
      hubRequest,
      this.table.wallClock(),
    );
  }

  /** @param respond gives the response, once the stream may be opened. */
  private stream(respond: () => ServerResponse, request: CoreRequest): HttpAnswer {
    return this.attach('ServerSentEvents', this.table.find(request.query.get('id')), request, (open) => {
      const response = respond();
      if (!response.destroyed) {
        open().openStream(response, request);
      }
    });
  }

  private poll(response: ServerResponse, request: CoreRequest): HttpAnswer {
    return this.attach('LongPolling', this.table.find(request.query.get('id')), request, (open) => {
      if (!response.destroyed) {
        open().poll(response, request);
      }
    });
  }

  private connect(upgrade: UpgradeRequest, request: CoreRequest): HttpAnswer {
    if (acceptsEventStream(upgrade.request)) {
      return this.stream(() => asStream(upgrade), request);
    }
    const found = this.table.findForSocket(request.query.get('id'));
    if ('rejection' in found) {
      return { ...found.rejection, headers: {} };
    }
    return this.attach('WebSockets', found, request, (open) =>
      this.acceptor.accept(upgrade, (channel) => open().openSocket(channel, request)),
    );
  }

  /**
   * The checks of signalr-core §1.7, in their order, but for that of the user: who is somebody else must not fix the
   * transport of a connection.
   */
  private attach(
    transport: CoreTransport,
    found: Found,
    request: CoreRequest,
    take: (open: () => HttpConnection) => void,
  ): HttpAnswer {
    const known = this.whoseIs(found, request);
    if ('status' in known) {
      return known;
    }
    if (!this.options.transports.includes(transport)) {
      return unsupported(transport);
    }
    const { ticket, connection } = known;
    const rejection = connection === undefined ? undefined : refuseTransport(connection, transport);
    if (rejection !== undefined) {
      return rejection;
    }
    connection?.session.authenticated(request);
    take(() => connection ?? this.create(ticket, request));
    return TAKEN;
  }

  private create(ticket: CoreTicket, request: CoreRequest): HttpConnection {
    this.services.limiter.enter(ticket.connectionId, request, request.countedUser);
    return this.table.create(ticket, request);
  }

  /** What an `id` stands for, unless it belongs to somebody else (signalr-core §11.4). */
  private whoseIs(found: Found, request: CoreRequest): Known | HttpAnswer {
    if ('rejection' in found) {
      return found.rejection;
    }
    if (found.connection === undefined) {
      const refusal = this.closing ? 503 : this.services.limiter.refuse(request, request.countedUser);
      if (refusal !== undefined) {
        return empty(refusal);
      }
    }
    return found.connection?.belongsTo(request) === false ? empty(403) : found;
  }

  /** Takes what the client sends, also before its first GET (signalr-core §1.9). */
  private async post(request: IncomingMessage, hubRequest: CoreRequest): Promise<HttpAnswer> {
    const known = this.whoseIs(this.table.find(hubRequest.query.get('id')), hubRequest);
    if ('status' in known) {
      return known;
    }
    const connection = known.connection ?? this.create(known.ticket, hubRequest);
    connection.session.adoptToken(hubRequest);
    if (connection.transport === 'WebSockets') {
      return text(405, 'POST requests are not allowed for WebSocket connections.');
    }
    return empty((await connection.post(bodyChunks(request))) ? 200 : 404);
  }

  private delete(request: CoreRequest): HttpAnswer {
    const known = this.whoseIs(this.table.find(request.query.get('id')), request);
    if ('status' in known) {
      return known;
    }
    if (known.connection?.transport !== 'LongPolling') {
      return text(400, 'Cannot terminate this connection using the DELETE endpoint.');
    }
    known.connection.terminate();
    return empty(202);
  }
}

/** What Core clients ask for; everything else is none of this endpoint's business. */
export function pathsOf({ path }: HubDescriptor): readonly string[] {
  return [path, `${path}/negotiate`, `${path}/refresh`];
}

/** How many segments a path has: `{path}/negotiate` has one more than `{path}`, however either is escaped. */
function depth(path: string): number {
  return path.split('/').filter((segment) => segment !== '').length;
}

/** A connection keeps its transport, and only polls come again, and sockets of stateful connections. */
function refuseTransport(
  { transport: bound, isAttachable, session }: HttpConnection,
  transport: CoreTransport,
): HttpAnswer | undefined {
  if (bound !== undefined && bound !== transport) {
    return text(400, 'Cannot change transports mid-connection');
  }
  if (!isAttachable) {
    return empty(404);
  }
  return bound === undefined || bound === 'LongPolling' || session.isStateful ? undefined : empty(409);
}

/** A request that asks for an event stream is one, even if it asks for an upgrade too (signalr-core §1.6). */
function asStream({ request, socket }: UpgradeRequest): ServerResponse {
  const response = respondWithoutUpgrade(request, socket);
  // Nothing reads such a socket any more, and only who reads learns that the peer has left.
  socket.once('end', () => socket.destroy());
  socket.resume();
  return response;
}
