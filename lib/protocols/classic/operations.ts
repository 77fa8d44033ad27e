import type { ClassicTransport } from '../../common/options.js';
import { andThen } from '../../common/promises.js';
import type { Connection } from '../../connections/connection.js';
import type { Channel } from '../../transports/channel.js';
import type { HttpAnswer } from '../../transports/http.js';
import { Admission, rejection } from './admission.js';
import { TAKEN } from './answers.js';
import type { Dispatcher } from './application.js';
import type { ClassicExchange } from './exchange.js';
import type { HandedSession } from './handover.js';
import { asScript } from './jsonp.js';
import { json, jsonText } from './negotiate.js';
import type { Admitted, ClassicServices, Opening } from './opening.js';
import { startsSeparately } from './protocol-version.js';
import { BadClassicRequest, type ClassicRequest } from './request.js';
import { ClassicConnection } from './session.js';

/** A request for a connection that has passed the checks of the endpoint. */
export interface Visit<Exchange extends ClassicExchange = ClassicExchange> {
  readonly classic: ClassicRequest;
  readonly connectionId: string;
  readonly dispatcher: Dispatcher;
  readonly transport: ClassicTransport;
  /** Where a script is to hand the answer. */
  readonly callback: string | undefined;
  readonly exchange: Exchange;
}

/** What clients do with the connections of this node. */
export class ClassicOperations {
  constructor(
    private readonly services: ClassicServices,
    private readonly admission: Admission,
  ) {}

  *connections(): IterableIterator<ClassicConnection> {
    for (const connection of this.services.registry) {
      if (this.owns(connection)) {
        yield connection;
      }
    }
  }

  /** A connection of this node that has not ended. */
  find(connectionId: string): ClassicConnection | undefined {
    const connection = this.services.registry.get(connectionId);
    return this.owns(connection) && !connection.ended ? connection : undefined;
  }

  /** Steps 11 to 13 of signalr-2 §1.1. */
  perform(visit: Visit): HttpAnswer | Promise<HttpAnswer> {
    const { classic, connectionId, dispatcher } = visit;
    const known = classic.operation === 'connect' ? [] : (this.find(connectionId)?.groupTopics ?? []);
    const admission = this.admission.admit(classic, connectionId, dispatcher, known);
    return andThen(admission, (admitted) => this.performAdmitted(visit, admitted));
  }

  private performAdmitted(visit: Visit, admitted: Admitted): HttpAnswer | Promise<HttpAnswer> {
    const { classic, transport, callback } = visit;
    const isPolling = transport === 'longPolling';
    switch (classic.operation) {
      case 'start':
        return this.start(admitted).then((answer) => asScript(answer, callback));
      case 'send':
        return this.send(classic, admitted, isPolling).then((answer) =>
          asScript(answer, isPolling ? callback : undefined),
        );
      case 'abort':
        return this.abort(admitted);
      default:
        return this.receive(visit, admitted);
    }
  }

  /** Goes on with a session that another node has given up. */
  async adopt({ classic, connectionId, dispatcher }: Visit, session: HandedSession): Promise<void> {
    const { userId } = session;
    const admitted = {
      connectionId,
      request: classic,
      userId,
      dispatcher,
      groups: { topics: [], refused: [] },
    };
    await new ClassicConnection(admitted, this.services).adopt(session);
    this.services.limiter.enter(connectionId, classic, userId);
  }

  /** OnConnected of all hubs has run before the client is told (signalr-2 §4.9). */
  private async start(admitted: Admitted): Promise<HttpAnswer> {
    await this.connectionOf(admitted).raise({ name: 'onConnected', args: [] }, admitted);
    return json({ Response: 'started' });
  }

  /** Only polling clients may have the data in the query (signalr-2 §4.7). */
  private async send(classic: ClassicRequest, admitted: Admitted, isPolling: boolean): Promise<HttpAnswer> {
    const data = classic.form?.get('data') ?? (isPolling ? classic.query.get('data') : undefined);
    if (data === undefined) {
      throw new BadClassicRequest('the form has no data');
    }
    const { dispatcher, request } = admitted;
    const response = await dispatcher.dispatch(this.connectionOf(admitted), data, request);
    return response === undefined ? { status: 200 } : jsonText(response);
  }

  /** The client need not wait for its hubs to say goodbye. */
  private abort(admitted: Admitted): HttpAnswer {
    void this.find(admitted.connectionId)?.end(true);
    return { status: 200, headers: { 'Content-Type': 'text/plain' } };
  }

  /** Step 13: the transport takes over. */
  private receive({ classic, transport, exchange }: Visit, admitted: Admitted): HttpAnswer {
    const { connectionId, request, userId, dispatcher, groups } = admitted;
    const kind = kindOf(classic, transport);
    // Copied by name: an object that gets more members after it was spread costs V8 more than all the rest of this.
    const opening: Opening = {
      connectionId,
      request,
      userId,
      dispatcher,
      groups,
      kind,
      startsSeparately: kind === 'connect' && startsSeparately(classic.query.get('clientProtocol')),
      messageId: classic.value('messageId'),
    };
    if (this.find(connectionId) === undefined) {
      const refusal = this.services.limiter.refuse(classic, userId);
      if (refusal !== undefined) {
        return rejection(refusal);
      }
    }
    const complaint = exchange.complaint(transport);
    if (complaint === undefined) {
      exchange.open(transport, (channel) => this.attach(channel, opening));
    }
    return complaint ?? TAKEN;
  }

  private attach(channel: Channel, opening: Opening): void {
    this.services.limiter.enter(opening.connectionId, opening.request, opening.userId);
    void this.connectionOf(opening).attach(channel, opening);
  }

  /** Other urls may have classic connections as well. */
  private owns(connection: Connection | undefined): connection is ClassicConnection {
    return connection instanceof ClassicConnection && connection.services === this.services;
  }

  /** The connection of a request; one of its own if no node knows it, so that any request works anywhere. */
  private connectionOf(admitted: Admitted): ClassicConnection {
    return this.find(admitted.connectionId) ?? new ClassicConnection(admitted, this.services);
  }
}

/** Any path but `/connect` means a client that returns; to a polling one, that it polls on (signalr-2 §1.1). */
export function kindOf({ operation }: ClassicRequest, transport: ClassicTransport): Opening['kind'] {
  if (operation === 'connect') {
    return 'connect';
  }
  return transport === 'longPolling' && operation !== 'reconnect' ? 'poll' : 'reconnect';
}
