import type { IncomingMessage, ServerResponse } from 'node:http';

import { Logger } from '@nestjs/common';

import { toError } from '../../common/errors.js';
import type { ClassicTransport } from '../../common/options.js';
import { userName } from '../../hubs/user-id-provider.js';
import type { Channel } from '../../transports/channel.js';
import { BodyError, type HttpAnswer, readBody, refuseUpgrade, sendAnswer } from '../../transports/http.js';
import { PollChannel } from '../../transports/poll-channel.js';
import { parseQuery, type QueryValues } from '../../transports/query.js';
import { StreamChannel } from '../../transports/stream-channel.js';
import { isOriginAllowed, type UpgradeRequest, WebSocketAcceptor } from '../../transports/upgrade.js';
import { authenticate, AuthenticationError } from '../authenticate.js';
import type { Endpoint, ProtocolServices } from '../endpoint.js';
import { Admission, Rejected, rejection } from './admission.js';
import { ClassicCalls } from './calls.js';
import { eventStreamFormat, foreverFrameFormat, pollFormat } from './formats.js';
import { readHubMessage } from './hub-message.js';
import { asScript, readCallback } from './jsonp.js';
import { json, negotiate } from './negotiate.js';
import { startsSeparately } from './protocol-version.js';
import { ProxyScript } from './proxy-script.js';
import { BadClassicRequest, ClassicRequest } from './request.js';
import { type Admitted, ClassicConnection, type ClassicServices, type Opening } from './session.js';
import { ClassicTokens } from './tokens.js';

/** Classic pages poll and send across caches, so nothing but the script may be kept (signalr-2 §1.4, CHOICE). */
const COMMON_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-cache, no-store',
  Pragma: 'no-cache',
  Expires: '-1',
};

const CLOSE_TIMEOUT = 5_000;

/** Everything under the base path for classic clients (signalr-2 §1). */
export class ClassicEndpoint implements Endpoint {
  private static readonly logger = new Logger('SignalR.Classic');
  private readonly services: ClassicServices;
  readonly paths = [];
  readonly base: string;
  readonly readsRawBodies = false;
  private readonly acceptor: WebSocketAcceptor;
  private readonly script: ProxyScript;
  private readonly admission: Admission;
  private nextKeepAliveAt: number;
  private closing = false;

  constructor(services: ProtocolServices, options: ClassicServices['classic']) {
    this.services = {
      ...services,
      classic: options,
      tokens: new ClassicTokens(services.secrets),
      calls: new ClassicCalls(options, services.catalog, services.invoker),
    };
    this.base = services.basePath;
    this.acceptor = new WebSocketAcceptor(services.createWebSocketServer, {
      maxPayload: options.maxIncomingWebSocketMessageSize ?? 0,
      closeTimeout: CLOSE_TIMEOUT,
    });
    this.admission = new Admission(this.services);
    this.script = new ProxyScript(services.catalog, options.enableJavaScriptProxies);
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
      if (!isOriginAllowed(request, this.services.options.allowedOrigins)) {
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
    for (const connection of this.connections()) {
      connection.onHeartbeat(now, keepAlive);
    }
  }

  async close(): Promise<void> {
    this.closing = true;
    await Promise.all([...this.connections()].map((connection) => connection.end(false, true)));
  }

  closeTransports(grace: number): Promise<void> {
    return this.acceptor.close(grace, this.services.options.clock);
  }

  private *connections(): IterableIterator<ClassicConnection> {
    for (const connection of this.services.registry) {
      if (connection instanceof ClassicConnection) {
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
    if (!this.services.classic.enableJSONP && (classic.query.get('callback') ?? '') !== '') {
      return { status: 403, reason: 'Forbidden: JSONP is disabled.' };
    }
    const callback = readCallback(classic.query.get('callback'));
    const hubs = await this.admission.authorizeHubs(request, response, classic);
    const user = userName(classic.user) ?? '';
    switch (classic.operation) {
      case 'proxy':
        return this.script.answer(classic.pathUnder(this.services.basePath));
      case 'negotiate':
        return asScript(this.negotiate(classic, user), callback);
      case 'ping':
        return asScript(json({ Response: 'pong' }), callback);
    }
    const transport = this.admission.transportOf(classic);
    const token = this.admission.checkToken(classic, user);
    const isPolling = transport === 'longPolling';
    if (response !== undefined && (classic.operation === 'send' || (isPolling && isReceive(classic)))) {
      classic.form = await this.readForm(request);
    }
    const admitted = await this.admission.admit(classic, token.connectionId, hubs);
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

  private negotiate(classic: ClassicRequest, user: string): HttpAnswer {
    return negotiate(classic, user, this.services.basePath, this.services.classic, this.services.tokens);
  }

  /** OnConnected of all hubs has run before the client is told (signalr-2 §4.9). */
  private async start(admitted: Admitted): Promise<HttpAnswer> {
    await this.connectionOf(admitted).raise({ name: 'onConnected', args: [] }, admitted);
    return json({ Response: 'started' });
  }

  /** Forms are read whatever their content type says (signalr-2 §1.3). */
  private async readForm(request: IncomingMessage): Promise<QueryValues> {
    return parseQuery((await readBody(request, this.services.classic.maxRequestBodySize)).toString());
  }

  /** Only polling clients may have the data in the query (signalr-2 §4.7). */
  private async send(classic: ClassicRequest, admitted: Admitted, isPolling: boolean): Promise<HttpAnswer> {
    const data = classic.form?.get('data') ?? (isPolling ? classic.query.get('data') : undefined);
    if (data === undefined || data === '') {
      throw new BadClassicRequest('the form has no data');
    }
    const response = await this.services.calls.run(
      this.connectionOf(admitted),
      readHubMessage(data),
      admitted.request,
    );
    return { ...json({}), body: response };
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
    void this.connectionOf(opening).attach(channel, opening);
  }

  private find(connectionId: string): ClassicConnection | undefined {
    const connection = this.services.registry.get(connectionId);
    return connection instanceof ClassicConnection && !connection.ended ? connection : undefined;
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

/** The answer that is none: a channel has the socket or the response. */
const TAKEN: HttpAnswer = { status: 101 };

function isReceive({ operation }: ClassicRequest): boolean {
  return operation !== 'start' && operation !== 'send' && operation !== 'abort';
}

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
