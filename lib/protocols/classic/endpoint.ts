import type { IncomingMessage, ServerResponse } from 'node:http';

import { toError } from '../../common/errors.js';
import type { ClassicTransport } from '../../common/options.js';
import { traceSource } from '../../common/trace.js';
import { userName } from '../../hubs/user-id-provider.js';
import type { Connection } from '../../connections/connection.js';
import type { Channel } from '../../transports/channel.js';
import { isOriginAllowed } from '../../transports/cors.js';
import { BodyError, type HttpAnswer, readBody, refuseUpgrade, sendAnswer } from '../../transports/http.js';
import { PollChannel } from '../../transports/poll-channel.js';
import { FORM, parseQuery, type QueryValues } from '../../transports/query.js';
import { StreamChannel } from '../../transports/stream-channel.js';
import { type UpgradeRequest, WebSocketAcceptor } from '../../transports/upgrade.js';
import { adoptAccessToken } from '../access-token.js';
import { authenticate, AuthenticationError } from '../authenticate.js';
import type { Endpoint, ProtocolServices } from '../endpoint.js';
import { Admission, Rejected, rejection } from './admission.js';
import type { ClassicApplication } from './application.js';
import { persistentResponse } from './codec.js';
import { DismissedConnections } from './dismissed.js';
import { eventStreamFormat, foreverFrameFormat, pollFormat } from './formats.js';
import { asScript, readCallback } from './jsonp.js';
import { json, negotiate, redirectTo } from './negotiate.js';
import type { Admitted, ClassicServices, Opening } from './opening.js';
import { startsSeparately, understandsRedirects } from './protocol-version.js';
import { BadClassicRequest, ClassicRequest } from './request.js';
import { ClassicConnection } from './session.js';
import { ClassicTokens } from './tokens.js';

/** Classic pages poll and send across caches, so nothing but the script may be kept (signalr-2 §1.4, CHOICE). */
const COMMON_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-cache, no-store',
  Pragma: 'no-cache',
  Expires: '-1',
};

const CLOSE_TIMEOUT = 5_000;

/** A Core client that got a classic answer would complain of the kind of server instead of the name of its hub. */
const NO_SUCH_HUB: HttpAnswer = {
  status: 404,
  headers: { 'Content-Type': 'text/plain' },
  body: 'There is no hub at this path.',
};

/** Everything under one path for classic clients: hubs, or a persistent connection (signalr-2 §1). */
export class ClassicEndpoint implements Endpoint {
  private static readonly logger = traceSource('SignalR.PersistentConnection');
  private readonly services: ClassicServices;
  readonly paths = [];
  readonly readsRawBodies = false;
  private readonly acceptor: WebSocketAcceptor;
  private readonly admission: Admission;
  private nextKeepAliveAt: number;
  private closing = false;

  constructor(
    services: ProtocolServices,
    options: ClassicServices['classic'],
    readonly base: string,
    private readonly application: ClassicApplication,
  ) {
    this.services = {
      ...services,
      classic: options,
      tokens: new ClassicTokens(services.secrets, application.tokenScope),
      dismissed: new DismissedConnections(services.options.clock, 2 * options.disconnectTimeout),
    };
    this.acceptor = new WebSocketAcceptor(services.createWebSocketServer, {
      maxPayload: options.maxIncomingWebSocketMessageSize ?? 0,
      closeTimeout: CLOSE_TIMEOUT,
    });
    this.admission = new Admission(this.services);
    this.nextKeepAliveAt = services.options.clock.now() + (options.keepAlive ?? Infinity);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.safely(request, (classic) => this.answer(request, response, classic));
    if (answer === TAKEN) {
      return;
    }
    const headers = answer.reason === undefined ? COMMON_HEADERS : {};
    sendAnswer(response, { ...answer, headers: { ...headers, ...answer.headers } });
  }

  async upgrade(upgrade: UpgradeRequest): Promise<void> {
    const { request, socket } = upgrade;
    const answer = await this.safely(request, async (classic) => {
      if (!isOriginAllowed(request, this.services.options)) {
        return rejection(403);
      }
      return this.answer(request, undefined, classic, upgrade);
    });
    if (answer !== TAKEN) {
      refuseUpgrade(socket, { ...answer, headers: { ...COMMON_HEADERS, ...answer.headers } });
    }
  }

  onHeartbeat(now: number): void {
    const keepAlive = now >= this.nextKeepAliveAt;
    if (keepAlive) {
      this.nextKeepAliveAt = now + (this.services.classic.keepAlive ?? Infinity);
    }
    this.services.dismissed.sweep(now);
    for (const connection of this.connections()) {
      connection.onHeartbeat(now, keepAlive);
    }
  }

  refuseClients(): void {
    this.closing = true;
  }

  closeTransports(grace: number): Promise<void> {
    return this.acceptor.close(grace, this.services.options.clock);
  }

  *connections(): IterableIterator<ClassicConnection> {
    for (const connection of this.services.registry) {
      if (this.owns(connection)) {
        yield connection;
      }
    }
  }

  /** Anything thrown becomes an answer; the process lives on. */
  private async safely(
    request: IncomingMessage,
    handle: (classic: ClassicRequest) => Promise<HttpAnswer>,
  ): Promise<HttpAnswer> {
    try {
      adoptAccessToken(request);
      await authenticate(request, this.services.options);
      return await handle(new ClassicRequest(request));
    } catch (error) {
      if (error instanceof Rejected) {
        return error.answer;
      }
      if (error instanceof AuthenticationError) {
        return rejection(401);
      }
      if (error instanceof BodyError) {
        return rejection(error.status);
      }
      if (error instanceof BadClassicRequest) {
        ClassicEndpoint.logger.debug(`a request was refused: ${error.message}`);
      } else {
        ClassicEndpoint.logger.error('a request failed', toError(error).stack);
      }
      return rejection(500);
    }
  }

  /** The checks and operations in the order of signalr-2 §1.1. */
  private async answer(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    classic: ClassicRequest,
    upgrade?: UpgradeRequest,
  ): Promise<HttpAnswer> {
    if (this.closing) {
      return rejection(503);
    }
    if (classic.isOfCoreClient) {
      return NO_SUCH_HUB;
    }
    if (!this.services.classic.enableJSONP && (classic.query.get('callback') ?? '') !== '') {
      return { status: 403, reason: 'Forbidden: JSONP is disabled.' };
    }
    const callback = readCallback(classic.query.get('callback'));
    if (ClassicEndpoint.logger.isDebug) {
      ClassicEndpoint.logger.debug(`${classic.operation} at ${this.base}`);
    }
    const dispatcher = await this.application.authorize(request, response, classic);
    const user = userName(classic.user) ?? '';
    const proxy = this.application.proxy(classic);
    if (proxy !== undefined) {
      return proxy;
    }
    switch (classic.operation) {
      case 'negotiate':
        return asScript(await this.negotiate(classic, user), callback);
      case 'ping':
        return asScript(json({ Response: 'pong' }), callback);
    }
    const transport = this.admission.transportOf(classic);
    const token = this.admission.checkToken(classic, user);
    const dismissal = this.services.dismissed.reasonOf(token.connectionId);
    if (dismissal !== undefined && classic.operation !== 'abort') {
      return refuseDismissed(classic, transport, dismissal);
    }
    const isPolling = transport === 'longPolling';
    if (response !== undefined && (classic.operation === 'send' || (isPolling && classic.isReceive))) {
      classic.form = await this.readForm(request);
    }
    const known = classic.operation === 'connect' ? [] : (this.find(token.connectionId)?.groupTopics ?? []);
    const admitted = await this.admission.admit(classic, token.connectionId, dispatcher, known);
    switch (classic.operation) {
      case 'start':
        return asScript(await this.start(admitted), callback);
      case 'send':
        return asScript(await this.send(classic, admitted, isPolling), isPolling ? callback : undefined);
      case 'abort':
        return this.abort(admitted);
      default:
        return this.receive({ classic, admitted, transport, response, upgrade, callback });
    }
  }

  private async negotiate(classic: ClassicRequest, user: string): Promise<HttpAnswer> {
    const clientProtocol = classic.query.get('clientProtocol');
    if (understandsRedirects(clientProtocol)) {
      const { url, headers, remoteAddress } = classic;
      const client = { family: 'classic', url, headers, remoteAddress, user: classic.user } as const;
      const redirection = await this.services.options.redirect?.(client);
      if (redirection !== undefined) {
        return redirectTo(redirection, clientProtocol);
      }
    }
    return negotiate(classic, user, this.base, this.services.classic, this.services.tokens);
  }

  /** OnConnected of all hubs has run before the client is told (signalr-2 §4.9). */
  private async start(admitted: Admitted): Promise<HttpAnswer> {
    await this.connectionOf(admitted).raise({ name: 'onConnected', args: [] }, admitted);
    return json({ Response: 'started' });
  }

  /** Forms are read whatever their content type says (signalr-2 §1.3). */
  private async readForm(request: IncomingMessage): Promise<QueryValues> {
    const body = await readBody(request, this.services.classic.maxRequestBodySize);
    return parseQuery(body.toString(), FORM);
  }

  /** Only polling clients may have the data in the query (signalr-2 §4.7). */
  private async send(classic: ClassicRequest, admitted: Admitted, isPolling: boolean): Promise<HttpAnswer> {
    const data = classic.form?.get('data') ?? (isPolling ? classic.query.get('data') : undefined);
    if (data === undefined) {
      throw new BadClassicRequest('the form has no data');
    }
    const { dispatcher, request } = admitted;
    const response = await dispatcher.dispatch(this.connectionOf(admitted), data, request);
    return response === undefined ? { status: 200 } : { ...json({}), body: response };
  }

  /** The client need not wait for its hubs to say goodbye. */
  private abort(admitted: Admitted): HttpAnswer {
    void this.find(admitted.connectionId)?.end(true);
    return { status: 200, headers: { 'Content-Type': 'text/plain' } };
  }

  /** Step 13: the transport takes over. */
  private receive(receiving: Receiving): HttpAnswer {
    const { classic, admitted, transport, response, upgrade, callback } = receiving;
    const opening: Opening = {
      ...admitted,
      kind: kindOf(classic, transport),
      startsSeparately: startsSeparately(classic.query.get('clientProtocol')),
      messageId: classic.value('messageId'),
    };
    if (this.find(admitted.connectionId) === undefined) {
      const refusal = this.services.limiter.refuse(classic, admitted.userId);
      if (refusal !== undefined) {
        return rejection(refusal);
      }
    }
    if (transport === 'webSockets') {
      if (upgrade === undefined) {
        return rejection(400, 'Not a valid web socket request.');
      }
      this.acceptor.accept(upgrade, (channel) => this.attach(channel, opening));
      return TAKEN;
    }
    if (response === undefined) {
      return rejection(400, 'Protocol error: Unknown transport.');
    }
    this.attach(openChannel(transport, response, classic, callback), opening);
    return TAKEN;
  }

  private attach(channel: Channel, opening: Opening): void {
    this.services.limiter.enter(opening.connectionId, opening.request, opening.userId);
    void this.connectionOf(opening).attach(channel, opening);
  }

  private find(connectionId: string): ClassicConnection | undefined {
    const connection = this.services.registry.get(connectionId);
    return this.owns(connection) && !connection.ended ? connection : undefined;
  }

  /** Other urls may have classic connections as well. */
  private owns(connection: Connection | undefined): connection is ClassicConnection {
    return connection instanceof ClassicConnection && connection.services === this.services;
  }

  /** The connection of a request; one of its own if this process does not know it, so that any request works anywhere. */
  private connectionOf(admitted: Admitted): ClassicConnection {
    return this.find(admitted.connectionId) ?? new ClassicConnection(admitted, this.services);
  }
}

/** A request that passed all checks and now gets a channel. */
interface Receiving {
  readonly classic: ClassicRequest;
  readonly admitted: Admitted;
  readonly transport: ClassicTransport;
  readonly response: ServerResponse | undefined;
  readonly upgrade: UpgradeRequest | undefined;
  readonly callback: string | undefined;
}

/** A client that polls may have been between two polls, so that this is the first it hears of it. */
function refuseDismissed(
  { isReceive }: ClassicRequest,
  transport: ClassicTransport,
  dismissal: string,
): HttpAnswer {
  return transport === 'longPolling' && isReceive
    ? { ...json({}), body: persistentResponse({ cursor: '', dismissal, messages: '' }) }
    : rejection(403, dismissal);
}

/** The answer that is none: a channel has the socket or the response. */
const TAKEN: HttpAnswer = { status: 101 };

/** Any path but `/connect` means a client that returns; to a polling one, that it polls on (signalr-2 §1.1). */
function kindOf({ operation }: ClassicRequest, transport: ClassicTransport): Opening['kind'] {
  if (operation === 'connect') {
    return 'connect';
  }
  return transport === 'longPolling' && operation !== 'reconnect' ? 'poll' : 'reconnect';
}

/** @throws BadClassicRequest before anything is written, if the request lacks what the transport needs. */
function openChannel(
  transport: Exclude<ClassicTransport, 'webSockets'>,
  response: ServerResponse,
  { query }: ClassicRequest,
  callback: string | undefined,
): Channel {
  switch (transport) {
    case 'serverSentEvents':
      return new StreamChannel(transport, response, eventStreamFormat);
    case 'foreverFrame':
      return new StreamChannel(transport, response, foreverFrameFormat(query.get('frameId')));
    case 'longPolling':
      return new PollChannel(response, pollFormat(callback));
  }
}
