import type { CoreTransport, HttpConnectionOptions } from '../../common/core-options.js';
import type { HttpAnswer } from '../../transports/http.js';
import type { ProtocolServices } from '../endpoint.js';
import { empty, notCached, TAKEN, text, unsupported } from './answers.js';
import type { ConnectionTable, Found } from './connection-table.js';
import type { CoreExchange, CoreOperation } from './exchange.js';
import type { HttpConnection } from './http-connection.js';
import { REFRESH_DISABLED, refreshAuthentication } from './refresh.js';
import type { CoreRequest } from './request.js';
import type { CoreTicket } from './tokens.js';

/** What an `id` stands for, if the request may have it. */
type Known = Exclude<Found, { readonly rejection: HttpAnswer }>;

/** What clients do with the connections of this node, once guards have let them through. */
export class CoreOperations {
  private closing = false;

  constructor(
    private readonly options: HttpConnectionOptions,
    private readonly services: ProtocolServices,
    private readonly table: ConnectionTable,
  ) {}

  /** From now on no connection begins here. */
  refuseClients(): void {
    this.closing = true;
  }

  get isClosing(): boolean {
    return this.closing;
  }

  /** @param found what the `id` of the request stands for. */
  perform(
    operation: CoreOperation,
    found: Found,
    request: CoreRequest,
    exchange: CoreExchange,
  ): HttpAnswer | Promise<HttpAnswer> {
    switch (operation) {
      case 'socket':
        return this.connect(found, request, exchange);
      case 'stream':
        return this.stream(found, request, exchange);
      case 'poll':
        return notCached(this.poll(found, request, exchange));
      case 'post':
        return this.post(found, request, exchange);
      case 'delete':
        return this.delete(found, request);
      case 'refresh':
        return this.refresh(found, request);
    }
  }

  private connect(found: Found, request: CoreRequest, exchange: CoreExchange): HttpAnswer {
    if ('rejection' in found) {
      return { ...found.rejection, headers: {} };
    }
    return this.attach('WebSockets', found, request, (open) =>
      exchange.openSocket((channel) => open().openSocket(channel, request)),
    );
  }

  private stream(found: Found, request: CoreRequest, exchange: CoreExchange): HttpAnswer {
    return this.attach('ServerSentEvents', found, request, (open) => {
      if (!exchange.isGone) {
        open().openStream(exchange.openStream(), request);
      }
    });
  }

  private poll(found: Found, request: CoreRequest, exchange: CoreExchange): HttpAnswer {
    return this.attach('LongPolling', found, request, (open) => {
      if (!exchange.isGone) {
        open().poll(exchange.response(), request);
      }
    });
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
  private async post(found: Found, request: CoreRequest, exchange: CoreExchange): Promise<HttpAnswer> {
    const known = this.whoseIs(found, request);
    if ('status' in known) {
      return known;
    }
    const connection = known.connection ?? this.create(known.ticket, request);
    if (connection.transport === 'WebSockets') {
      return text(405, 'POST requests are not allowed for WebSocket connections.');
    }
    connection.session.adoptToken(request);
    return empty((await connection.post(exchange.body())) ? 200 : 404);
  }

  private delete(found: Found, request: CoreRequest): HttpAnswer {
    const known = this.whoseIs(found, request);
    if ('status' in known) {
      return known;
    }
    if (known.connection?.transport !== 'LongPolling') {
      return text(400, 'Cannot terminate this connection using the DELETE endpoint.');
    }
    known.connection.terminate();
    return empty(202);
  }

  /** The client brings a new token for a connection that goes on (signalr-core appendix B). */
  private refresh(found: Found, request: CoreRequest): HttpAnswer {
    return this.options.enableAuthenticationRefresh
      ? refreshAuthentication(found, request, this.table.wallClock())
      : REFRESH_DISABLED;
  }
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
