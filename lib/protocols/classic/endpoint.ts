import type { IncomingMessage, ServerResponse } from 'node:http';

import { andThen, recover } from '../../common/promises.js';
import { traceSource } from '../../common/trace.js';
import { userName } from '../../hubs/user-id-provider.js';
import { isOriginAllowed } from '../../transports/cors.js';
import { hasBody, type HttpAnswer, readBody, refuseUpgrade, sendAnswer } from '../../transports/http.js';
import { type UpgradeRequest, WebSocketAcceptor } from '../../transports/upgrade.js';
import { serveAuthenticated } from '../authenticate.js';
import type { Endpoint, ProtocolServices } from '../endpoint.js';
import type { Answer } from '../forwarding.js';
import { Admission, rejection } from './admission.js';
import { failure, NO_SUCH_HUB, refuseDismissed, TAKEN } from './answers.js';
import type { ClassicApplication } from './application.js';
import { DismissedConnections } from './dismissed.js';
import { LocalExchange } from './exchange.js';
import { asScript, readCallback } from './jsonp.js';
import { LeftBehind } from './left-behind.js';
import { json, negotiate, redirectTo } from './negotiate.js';
import type { ClassicServices } from './opening.js';
import { ClassicOperations, type Visit } from './operations.js';
import { understandsRedirects } from './protocol-version.js';
import { ClassicRequest } from './request.js';
import { ClassicRouting } from './routing.js';
import type { ClassicConnection } from './session.js';
import { ClassicTokens } from './tokens.js';

/** Classic pages poll and send across caches, so nothing but the script may be kept (signalr-2 §1.4, CHOICE). */
const COMMON_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-cache, no-store',
  Pragma: 'no-cache',
  Expires: '-1',
};

const CLOSE_TIMEOUT = 5_000;

/** Everything under one path for classic clients: hubs, or a persistent connection (signalr-2 §1). */
export class ClassicEndpoint implements Endpoint {
  private static readonly logger = traceSource('SignalR.PersistentConnection');
  private readonly services: ClassicServices;
  readonly paths = [];
  readonly readsRawBodies = false;
  private readonly acceptor: WebSocketAcceptor;
  private readonly admission: Admission;
  private readonly operations: ClassicOperations;
  private readonly routing: ClassicRouting;
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
      dismissed: new DismissedConnections(
        services.options.clock,
        2 * options.disconnectTimeout,
        (connectionId) => services.registry.routes.forget(connectionId),
      ),
      leftBehind: new LeftBehind(services.backplane, services.options.clock, 2 * options.disconnectTimeout),
    };
    this.acceptor = new WebSocketAcceptor(services.createWebSocketServer, {
      maxPayload: options.maxIncomingWebSocketMessageSize ?? 0,
      closeTimeout: CLOSE_TIMEOUT,
    });
    this.admission = new Admission(this.services);
    this.operations = new ClassicOperations(this.services, this.admission);
    this.routing = new ClassicRouting(base, application, this.operations, this.admission, this.services);
    this.nextKeepAliveAt = services.options.clock.now() + (options.keepAlive ?? Infinity);
  }

  handle(request: IncomingMessage, response: ServerResponse): void | Promise<void> {
    const answered = this.safely(request, (classic) => this.answer(request, response, classic));
    return andThen(answered, (answer) => {
      if (answer !== TAKEN) {
        sendAnswer(response, answer, answer.reason === undefined ? COMMON_HEADERS : undefined);
      }
    });
  }

  upgrade(upgrade: UpgradeRequest): void | Promise<void> {
    const { request, socket } = upgrade;
    const answered = this.safely(request, (classic) =>
      isOriginAllowed(request, this.services.options)
        ? this.answer(request, undefined, classic, upgrade)
        : rejection(403),
    );
    return andThen(answered, (answer) => {
      if (answer !== TAKEN) {
        refuseUpgrade(socket, { ...answer, headers: { ...COMMON_HEADERS, ...answer.headers } });
      }
    });
  }

  onHeartbeat(now: number): void {
    const keepAlive = now >= this.nextKeepAliveAt;
    if (keepAlive) {
      this.nextKeepAliveAt = now + (this.services.classic.keepAlive ?? Infinity);
    }
    this.services.dismissed.sweep(now);
    this.services.leftBehind.onHeartbeat(now);
    for (const connection of this.connections()) {
      connection.onHeartbeat(now, keepAlive);
    }
  }

  refuseClients(): void {
    this.closing = true;
    this.routing.refuseClients();
  }

  closeTransports(grace: number): Promise<void> {
    return this.acceptor.close(grace, this.services.options.clock);
  }

  connections(): IterableIterator<ClassicConnection> {
    return this.operations.connections();
  }

  /** Anything thrown becomes an answer; the process lives on. Whoever has to wait for nobody is answered at once. */
  private safely(
    request: IncomingMessage,
    handle: (classic: ClassicRequest) => Answer | Promise<Answer>,
  ): Answer | Promise<Answer> {
    const { options } = this.services;
    return recover(() => serveAuthenticated(request, new ClassicRequest(request), options, handle), failure);
  }

  /** The checks and operations in the order of signalr-2 §1.1. */
  private answer(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    classic: ClassicRequest,
    upgrade?: UpgradeRequest,
  ): Answer | Promise<Answer> {
    if (this.closing && !mayBelongElsewhere(classic)) {
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
    return andThen(this.application.authorize(request, response, classic), (dispatcher) => {
      const exchange = new LocalExchange(classic, response, upgrade, callback, this.acceptor);
      return this.answerAuthorized(request, { classic, dispatcher, callback, exchange });
    });
  }

  private answerAuthorized(
    request: IncomingMessage,
    authorized: Omit<Visit<LocalExchange>, 'connectionId' | 'transport'>,
  ): Answer | Promise<Answer> {
    const { classic, dispatcher, callback, exchange } = authorized;
    const user = userName(classic.user) ?? '';
    const proxy = this.application.proxy(classic);
    if (proxy !== undefined) {
      return proxy;
    }
    const { operation } = classic;
    if (operation === 'negotiate') {
      return andThen(this.negotiate(classic, user), (answer) => asScript(answer, callback));
    }
    if (operation === 'ping') {
      return asScript(json({ Response: 'pong' }), callback);
    }
    const transport = this.admission.transportOf(classic);
    const { connectionId } = this.admission.checkToken(classic, user);
    const isPolling = transport === 'longPolling';
    const dismissal = this.services.dismissed.reasonOf(connectionId);
    if (dismissal !== undefined && operation !== 'abort') {
      return refuseDismissed(isPolling && classic.isReceive, dismissal);
    }
    const visit = { classic, connectionId, dispatcher, transport, callback, exchange };
    const mayHaveBody = operation === 'send' || (isPolling && classic.isReceive);
    if (exchange.isUpgrade || !mayHaveBody || !hasBody(request)) {
      return this.routing.serve(visit);
    }
    return this.readBody(request).then((body) => {
      classic.body = body;
      return this.routing.serve(visit);
    });
  }

  private negotiate(classic: ClassicRequest, user: string): HttpAnswer | Promise<HttpAnswer> {
    const clientProtocol = classic.query.get('clientProtocol');
    const { redirect } = this.services.options;
    if (redirect === undefined || !understandsRedirects(clientProtocol)) {
      return this.negotiateHere(classic, user);
    }
    const { url, headers, remoteAddress } = classic;
    const client = { family: 'classic', url, headers, remoteAddress, user: classic.user } as const;
    return andThen(redirect(client), (redirection) =>
      redirection === undefined ? this.negotiateHere(classic, user) : redirectTo(redirection, clientProtocol),
    );
  }

  private negotiateHere(classic: ClassicRequest, user: string): HttpAnswer {
    return negotiate(classic, user, this.base, this.services.classic, this.services.tokens);
  }

  /** Forms are read whatever their content type says (signalr-2 §1.3). */
  private async readBody(request: IncomingMessage): Promise<string> {
    return (await readBody(request, this.services.classic.maxRequestBodySize)).toString();
  }
}

/** Requests of clients that have a session, which may be at a node that goes on. */
function mayBelongElsewhere({ operation }: ClassicRequest): boolean {
  return !['proxy', 'negotiate', 'ping', 'connect', 'reconnect'].includes(operation);
}
