import type { IncomingMessage, ServerResponse } from 'node:http';

import { toError } from '../../common/errors.js';
import type { HttpConnectionOptions } from '../../common/core-options.js';
import { andThen, recover } from '../../common/promises.js';
import { traceSource } from '../../common/trace.js';
import { isOriginAllowed } from '../../transports/cors.js';
import { BodyError, type HttpAnswer, refuseUpgrade, sendAnswer } from '../../transports/http.js';
import { type UpgradeRequest, WebSocketAcceptor } from '../../transports/upgrade.js';
import { acceptsEventStream } from '../access-token.js';
import { AuthenticationError, serveAuthenticated } from '../authenticate.js';
import type { Endpoint, ProtocolServices } from '../endpoint.js';
import type { Answer } from '../forwarding.js';
import type { CoreApplication } from './application.js';
import { empty, TAKEN } from './answers.js';
import { ConnectionTable } from './connection-table.js';
import { type CoreOperation, LocalExchange } from './exchange.js';
import type { HttpSession } from './http-session.js';
import { Negotiation, redirectTo } from './negotiate.js';
import { CoreOperations } from './operations.js';
import { CoreRequest } from './request.js';
import { CoreRouting } from './routing.js';
import { CoreTokens } from './tokens.js';

/** The urls of one application for Core clients: `{path}`, `{path}/negotiate` and `{path}/refresh` (signalr-core §1). */
export class CoreEndpoint implements Endpoint {
  private static readonly logger = traceSource('SignalR.HttpConnectionDispatcher');
  private readonly options: HttpConnectionOptions;
  readonly paths: readonly string[];
  private readonly depth: number;
  readonly base = undefined;
  readonly readsRawBodies = true;
  private readonly negotiation: Negotiation;
  private readonly table: ConnectionTable;
  private readonly acceptor: WebSocketAcceptor;
  private readonly operations: CoreOperations;
  private readonly routing: CoreRouting;

  constructor(
    private readonly application: CoreApplication,
    private readonly services: ProtocolServices,
  ) {
    const { options, path, maxPayload } = application;
    this.options = options;
    this.paths = pathsOf(path);
    this.depth = depth(path);
    const tokens = new CoreTokens(services.secrets, path);
    this.negotiation = new Negotiation(application, tokens);
    this.table = new ConnectionTable(
      tokens,
      options,
      services.options.clock,
      (ticket, request, onForgotten) =>
        application.createSession(ticket, request, () => {
          services.limiter.leave(ticket.connectionId);
          services.registry.routes.hold(ticket.connectionId, 'core');
          onForgotten();
        }),
      (connectionId) => services.registry.routes.forget(connectionId),
    );
    this.operations = new CoreOperations(options, services, this.table);
    this.routing = new CoreRouting(path, this.operations, this.table, services);
    const { closeTimeout } = options;
    this.acceptor = new WebSocketAcceptor(services.createWebSocketServer, { maxPayload, closeTimeout });
  }

  handle(request: IncomingMessage, response: ServerResponse): void | Promise<void> {
    const answered = this.safely(request, (hubRequest) => this.answer(request, response, hubRequest));
    return andThen(answered, (answer) => {
      if (answer !== TAKEN) {
        sendAnswer(response, answer);
      }
    });
  }

  upgrade(upgrade: UpgradeRequest): void | Promise<void> {
    const { request, socket } = upgrade;
    const answered = this.safely(request, (hubRequest) => {
      if (!isOriginAllowed(request, this.services.options)) {
        return { status: 403 };
      }
      const operation = acceptsEventStream(request) ? 'stream' : 'socket';
      return andThen(
        this.admit(request, undefined, hubRequest),
        (refused) =>
          refused ??
          this.routing.serve(operation, hubRequest, LocalExchange.ofUpgrade(upgrade, this.acceptor)),
      );
    });
    return andThen(answered, (answer) => {
      if (answer !== TAKEN) {
        refuseUpgrade(socket, answer);
      }
    });
  }

  onHeartbeat(now: number): void {
    this.table.onHeartbeat(now);
  }

  refuseClients(): void {
    this.operations.refuseClients();
  }

  *connections(): IterableIterator<HttpSession> {
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

  /** Anything thrown becomes an answer; the process lives on. Whoever has to wait for nobody is answered at once. */
  private safely(
    request: IncomingMessage,
    handle: (hubRequest: CoreRequest) => Answer | Promise<Answer>,
  ): Answer | Promise<Answer> {
    const { options } = this.services;
    return recover(
      () => serveAuthenticated(request, new CoreRequest(request), options, handle),
      (error) => this.failure(error),
    );
  }

  private failure(error: unknown): Answer {
    if (error instanceof AuthenticationError) {
      return { status: 401 };
    }
    if (error instanceof BodyError) {
      return empty(error.status);
    }
    CoreEndpoint.logger.error(`a request to ${this.application.name} failed`, toError(error).stack);
    return empty(500);
  }

  private answer(
    request: IncomingMessage,
    response: ServerResponse,
    hubRequest: CoreRequest,
  ): Answer | Promise<Answer> {
    if (CoreEndpoint.logger.isDebug) {
      CoreEndpoint.logger.debug(`${request.method ?? ''} at ${this.application.path}`);
    }
    return andThen(
      this.admit(request, response, hubRequest),
      (refused) => refused ?? this.answerAdmitted(request, response, hubRequest),
    );
  }

  private answerAdmitted(
    request: IncomingMessage,
    response: ServerResponse,
    hubRequest: CoreRequest,
  ): Answer | Promise<Answer> {
    const { path } = hubRequest;
    const isAbove = path !== this.application.path && depth(path) > this.depth;
    if (isAbove && !/refresh\/*$/i.test(path)) {
      return this.negotiate(request, hubRequest);
    }
    const operation = isAbove ? refreshOf(request) : operationOf(request);
    return operation === undefined
      ? empty(405)
      : this.routing.serve(operation, hubRequest, LocalExchange.of(request, response, this.acceptor));
  }

  /** Guards run before anything below happens, on every request (signalr-core §1.1). */
  private admit(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    hubRequest: CoreRequest,
  ): HttpAnswer | undefined | Promise<HttpAnswer | undefined> {
    return andThen(this.application.admit(request, response, hubRequest), (admission) => {
      if (!admission.allowed) {
        return { status: admission.status };
      }
      // Guards put the user on the request.
      hubRequest.user = (request as { user?: unknown }).user;
      const { options, userIds } = this.services;
      if (this.options.closeOnAuthenticationExpiration || this.options.enableAuthenticationRefresh) {
        hubRequest.expiresAt = options.authenticationExpiry(request);
      }
      return options.limits.maxConnectionsPerUser === null
        ? undefined
        : andThen(userIds.getUserId(hubRequest), (userId) => {
            hubRequest.countedUser = userId ?? undefined;
            return undefined;
          });
    });
  }

  private negotiate(request: IncomingMessage, hubRequest: CoreRequest): HttpAnswer | Promise<HttpAnswer> {
    if (request.method !== 'POST') {
      return empty(405);
    }
    if (this.operations.isClosing) {
      return empty(503);
    }
    const { url, headers, user, remoteAddress, query } = hubRequest;
    const { redirect } = this.services.options;
    const redirection = redirect?.({ family: 'core', url, headers, user, remoteAddress });
    return andThen(redirection, (elsewhere) =>
      elsewhere === undefined
        ? this.negotiation.answer(query, this.table.wallClock())
        : redirectTo(elsewhere),
    );
  }
}

/** What Core clients ask for; everything else is none of this endpoint's business. */
export function pathsOf(path: string): readonly string[] {
  return [path, `${path}/negotiate`, `${path}/refresh`];
}

function operationOf(request: IncomingMessage): CoreOperation | undefined {
  switch (request.method) {
    case 'GET':
    case 'CONNECT':
      return acceptsEventStream(request) ? 'stream' : 'poll';
    case 'POST':
      return 'post';
    case 'DELETE':
      return 'delete';
    default:
      return undefined;
  }
}

function refreshOf({ method }: IncomingMessage): CoreOperation | undefined {
  return method === 'POST' ? 'refresh' : undefined;
}

/** How many segments a path has: `{path}/negotiate` has one more than `{path}`, however either is escaped. */
function depth(path: string): number {
  let segments = 0;
  for (let start = 0; start < path.length;) {
    const slash = path.indexOf('/', start);
    const end = slash < 0 ? path.length : slash;
    segments += end > start ? 1 : 0;
    start = end + 1;
  }
  return segments;
}
