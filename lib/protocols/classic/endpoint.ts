import type { IncomingMessage, ServerResponse } from 'node:http';

import { Logger } from '@nestjs/common';

import { toError } from '../../common/errors.js';
import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import { userName } from '../../hubs/user-id-provider.js';
import { groupTopic, type Topic } from '../../messaging/topics.js';
import {
  BodyTooLargeError,
  type HttpAnswer,
  readBody,
  refuseUpgrade,
  sendAnswer,
} from '../../transports/http.js';
import { parseQuery } from '../../transports/query.js';
import { isOriginAllowed, type UpgradeRequest, WebSocketAcceptor } from '../../transports/upgrade.js';
import { authenticate, AuthenticationError } from '../authenticate.js';
import type { Endpoint, ProtocolServices } from '../endpoint.js';
import { ClassicCalls } from './calls.js';
import { readConnectionData } from './connection-data.js';
import { readHubMessage } from './hub-message.js';
import { json, negotiate } from './negotiate.js';
import { startsSeparately } from './protocol-version.js';
import { ProxyScript } from './proxy-script.js';
import { BadClassicRequest, ClassicRequest } from './request.js';
import { type Admitted, ClassicConnection, type ClassicServices } from './session.js';
import { ClassicTokens } from './tokens.js';

/** Transports that exist in the protocol, by lower-case name. */
const KNOWN_TRANSPORTS: ReadonlySet<string> = new Set([
  'websockets',
  'serversentevents',
  'longpolling',
  'foreverframe',
]);

/** Classic pages poll and send across caches, so nothing but the script may be kept (signalr-2 §1.4, CHOICE). */
const COMMON_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-cache, no-store',
  Pragma: 'no-cache',
  Expires: '-1',
};

const CLOSE_TIMEOUT = 5_000;

const rejection = (status: number, body = ''): HttpAnswer => ({ status, body });

/** A request that stops at one of the checks. */
class Rejected extends Error {
  constructor(readonly answer: HttpAnswer) {
    super(answer.body);
  }
}

/** Everything under the base path for classic clients (signalr-2 §1). */
export class ClassicEndpoint implements Endpoint {
  private static readonly logger = new Logger('SignalR.Classic');
  private readonly services: ClassicServices;
  private readonly basePath: string;
  private readonly acceptor: WebSocketAcceptor;
  private readonly script: ProxyScript;
  private nextKeepAliveAt: number;
  private closing = false;

  constructor(services: ProtocolServices, options: ClassicServices['classic']) {
    this.services = {
      ...services,
      classic: options,
      tokens: new ClassicTokens(services.secrets),
      calls: new ClassicCalls(options, services.catalog, services.invoker),
    };
    this.basePath = services.basePath.toLowerCase();
    this.acceptor = new WebSocketAcceptor(services.createWebSocketServer, {
      maxPayload: options.maxIncomingWebSocketMessageSize ?? 0,
      closeTimeout: CLOSE_TIMEOUT,
    });
    this.script = new ProxyScript(services.catalog, options.enableJavaScriptProxies);
    this.nextKeepAliveAt = services.options.clock.now() + (options.keepAlive ?? Infinity);
  }

  owns(path: string): boolean {
    const lower = path.toLowerCase();
    return lower === this.basePath || lower.startsWith(`${this.basePath}/`);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.safely(request, (classic) => this.answer(request, response, classic));
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
    if (answer !== UPGRADED) {
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
    await Promise.all([...this.connections()].map((connection) => connection.end(false)));
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
      if (error instanceof BodyTooLargeError) {
        return rejection(413);
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
    if ((classic.query.get('callback') ?? '') !== '') {
      return { status: 403, reason: 'Forbidden: JSONP is disabled.' };
    }
    const hubs = await this.authorizeHubs(request, response, classic);
    const user = userName(classic.user) ?? '';
    switch (classic.operation) {
      case 'proxy':
        return this.script.answer(classic.pathUnder(this.services.basePath));
      case 'negotiate':
        return negotiate(classic, user, this.services.basePath, this.services.classic, this.services.tokens);
      case 'ping':
        return json({ Response: 'pong' });
    }
    const admitted = await this.admit(classic, user, hubs);
    switch (classic.operation) {
      case 'start':
        return this.start(admitted);
      case 'send':
        return this.send(request, admitted);
      case 'abort':
        return this.abort(admitted);
      default:
        return this.receive(classic, admitted, upgrade);
    }
  }

  /** Step 3: refused hubs are left out; if none is left, the request is refused (signalr-2 §6.2). */
  private async authorizeHubs(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    classic: ClassicRequest,
  ): Promise<HubDescriptor[]> {
    const hubs = readConnectionData(classic.query.get('connectionData'), this.services.catalog);
    const admissions = await Promise.all(
      hubs.map((hub) => this.services.connectGuard.admit(hub, request, response)),
    );
    // Guards put the user on the request.
    classic.user = (request as { user?: unknown }).user;
    const refused = admissions.find(({ allowed }) => !allowed);
    const allowed = hubs.filter((_, index) => admissions[index]?.allowed);
    if (allowed.length === 0 && refused?.allowed === false) {
      throw new Rejected(rejection(refused.status));
    }
    return allowed;
  }

  /** Steps 7 to 11. */
  private async admit(
    classic: ClassicRequest,
    user: string,
    hubs: readonly HubDescriptor[],
  ): Promise<Admitted> {
    const { query, transportName } = classic;
    if (!KNOWN_TRANSPORTS.has(transportName)) {
      throw new Rejected(rejection(400, 'Protocol error: Unknown transport.'));
    }
    const tokenText = query.get('connectionToken') ?? '';
    if (tokenText === '') {
      throw new Rejected(rejection(400, 'Protocol error: Missing connection token.'));
    }
    const token = this.services.tokens.read(tokenText);
    if (token === undefined || token.connectionId === '') {
      throw new Rejected(rejection(400, 'The ConnectionId is in the incorrect format.'));
    }
    if (token.userName.toLowerCase() !== user.toLowerCase()) {
      throw new Rejected(
        rejection(
          403,
          'Unrecognized user identity.  The user identity cannot change during an active SignalR connection.',
        ),
      );
    }
    const { connectionId } = token;
    const userId = (await this.services.userIds.getUserId(classic)) ?? undefined;
    return {
      connectionId,
      request: classic,
      userId,
      hubs,
      groups: this.readGroups(classic, connectionId, hubs),
    };
  }

  /** The groups of listed hubs in the groups token; the name of the hub may be spelled in any case. */
  private readGroups(classic: ClassicRequest, connectionId: string, hubs: readonly HubDescriptor[]): Topic[] {
    const qualified = this.services.tokens.readGroups(classic.query.get('groupsToken'), connectionId);
    return qualified.flatMap((name) => {
      const dot = name.indexOf('.');
      const hub = hubs.find((listed) => listed.name.toLowerCase() === name.slice(0, dot).toLowerCase());
      return hub === undefined ? [] : [groupTopic(hub.name, name.slice(dot + 1))];
    });
  }

  /** OnConnected of all hubs has run before the client is told (signalr-2 §4.9). */
  private async start(admitted: Admitted): Promise<HttpAnswer> {
    await this.connectionOf(admitted).raise({ name: 'onConnected', args: [] }, admitted);
    return json({ Response: 'started' });
  }

  private async send(request: IncomingMessage, admitted: Admitted): Promise<HttpAnswer> {
    const body = await readBody(request, this.services.classic.maxRequestBodySize);
    const data = parseQuery(body.toString()).get('data');
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

  private async abort(admitted: Admitted): Promise<HttpAnswer> {
    await this.find(admitted.connectionId)?.end(true);
    return { status: 200, headers: { 'Content-Type': 'text/plain' } };
  }

  /** Step 13: the transport takes over. */
  private receive(
    classic: ClassicRequest,
    admitted: Admitted,
    upgrade: UpgradeRequest | undefined,
  ): Promise<HttpAnswer> | HttpAnswer {
    const transport = this.services.classic.transports.find(
      (name) => name.toLowerCase() === classic.transportName,
    );
    if (transport !== 'webSockets') {
      return rejection(400, 'Protocol error: Unknown transport.');
    }
    if (upgrade === undefined) {
      return rejection(400, 'Not a valid web socket request.');
    }
    const connection = this.connectionOf(admitted);
    this.acceptor.accept(upgrade, (channel) => {
      void connection.attach(channel, {
        ...admitted,
        isNew: classic.operation === 'connect',
        startsSeparately: startsSeparately(classic.query.get('clientProtocol')),
        messageId: classic.query.get('messageId'),
      });
    });
    return UPGRADED;
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

/** The answer that is none: the socket has become a WebSocket. */
const UPGRADED: HttpAnswer = { status: 101 };
