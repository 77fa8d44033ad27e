import { isThenable, lastly } from '../../common/promises.js';
import { fromNoteData } from '../../connections/relay/note-data.js';
import type { RelayedExchange } from '../../connections/relay/relayed-exchange.js';
import type { HttpAnswer } from '../../transports/http.js';
import { type Answer, forward, toRelayed } from '../forwarding.js';
import { Admission, rejection } from './admission.js';
import { failure, refuseDismissed, TAKEN } from './answers.js';
import type { ClassicApplication } from './application.js';
import { type LocalExchange, RelayedClassicExchange } from './exchange.js';
import type { Release } from './handover.js';
import { readCallback } from './jsonp.js';
import { type ClassicOperations, kindOf, type Visit } from './operations.js';
import type { ClassicServices } from './opening.js';
import { ClassicRequest } from './request.js';

/** What travels with a request besides what all requests have. */
interface Details {
  /** What the guards of the first node have let the client connect to. */
  readonly hubNames: readonly string[];
  readonly body?: string | undefined;
}

/** The other node that has a connection; undefined if this one has it. */
type Owner = string | undefined;

/** Asks a node for the session of a client. */
const RELEASE = 'release';

/** So many nodes may turn out to have just lost a connection before its client is told to try again. */
const ATTEMPTS = 5;

/**
 * Brings the requests of clients and their sessions together, so that no load balancer has to: a client that opens a
 * line takes its session to the node that it has come to; everything else goes to the node that has the session.
 */
export class ClassicRouting {
  private readonly scope: string;
  private closing = false;
  /** Clients that are opening a line; another request for the session waits until it is there. */
  private readonly arriving = new Map<string, Promise<unknown>>();

  constructor(
    base: string,
    private readonly application: ClassicApplication,
    private readonly operations: ClassicOperations,
    private readonly admission: Admission,
    private readonly services: ClassicServices,
  ) {
    this.scope = `classic:${base}`;
    services.registry.relays.serve(this.scope, (exchange) => this.serveRelayed(exchange));
  }

  /** From now on nobody opens a line here, and requests are refused unless they are for another node. */
  refuseClients(): void {
    this.closing = true;
  }

  /** Serves a request: here, or at the node that has the session. */
  serve(visit: Visit<LocalExchange>): Answer | Promise<Answer> {
    if (this.operations.find(visit.connectionId) !== undefined) {
      return this.closing ? rejection(503) : this.operations.perform(visit);
    }
    const { classic, transport } = visit;
    const opensLine = classic.isReceive && kindOf(classic, transport) !== 'poll';
    return opensLine && !this.closing ? this.openLine(visit) : this.serveUnknown(visit);
  }

  /** Serves a client that comes, at once if there is nobody to wait for: many may come at the same time. */
  private openLine(visit: Visit): Answer | Promise<Answer> {
    const { connectionId } = visit;
    if (this.arriving.has(connectionId)) {
      return this.inTurn(connectionId, () => this.arrive(visit));
    }
    const owner = this.services.registry.routes.claim(connectionId, 'classic');
    if (owner !== undefined) {
      return this.inTurn(connectionId, () => this.arrive(visit, owner));
    }
    const answered = this.performOwned(visit);
    return isThenable(answered) ? this.inTurn(connectionId, () => answered) : answered;
  }

  private async serveUnknown(visit: Visit<LocalExchange>): Promise<Answer> {
    const { classic, connectionId, transport } = visit;
    const isLine = classic.isReceive;
    const isPoll = isLine && kindOf(classic, transport) === 'poll';
    if (!isLine || isPoll) {
      const answer = await this.forward(visit);
      if (answer !== undefined) {
        return answer;
      }
    }
    if (this.closing) {
      return rejection(503);
    }
    return isLine ? this.inTurn(connectionId, () => this.arrive(visit)) : this.operations.perform(visit);
  }

  /** Has the owner serve a request; undefined if there is none. */
  private async forward(visit: Visit<LocalExchange>): Promise<Answer | undefined> {
    const { classic, connectionId, dispatcher, transport, exchange } = visit;
    const { routes, relays } = this.services.registry;
    const complaint = classic.isReceive ? exchange.complaint(transport) : undefined;
    if (complaint !== undefined) {
      return complaint;
    }
    const details: Details = { hubNames: dispatcher.hubNames, body: classic.body };
    const { operation } = classic;
    const request = toRelayed(classic, { scope: this.scope, operation, connectionId, details });
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      let owner: string | undefined;
      try {
        owner = await routes.ownerOf(connectionId);
      } catch {
        // The session is somewhere, and nobody can say where: a second one here would be worse than none.
        return rejection(503);
      }
      if (owner === undefined) {
        return undefined;
      }
      const outcome = await forward(relays, owner, request, {
        line: exchange.line,
        openLine: (opened) => exchange.open(transport, opened),
      });
      switch (outcome.type) {
        case 'answer':
          return outcome.answer;
        case 'taken':
          return TAKEN;
        case 'lost':
          return undefined;
        case 'absent':
        // It has just gone to another node.
      }
    }
    return rejection(503);
  }

  /** A client opens a line here: its session comes to this node first, wherever it is. */
  private async arrive(visit: Visit, claimed?: Owner | Promise<Owner>): Promise<HttpAnswer> {
    const { connectionId } = visit;
    if (this.operations.find(connectionId) === undefined) {
      const refusal = await this.takeOver(visit, claimed);
      if (refusal !== undefined) {
        return refusal;
      }
    }
    const dismissal = this.services.dismissed.reasonOf(connectionId);
    if (dismissal !== undefined) {
      // Its session was sent away while it was on its way here, when there was no line to say so.
      return this.refuse(visit, dismissal);
    }
    return this.performOwned(visit);
  }

  /** Serves a client whose connection is this node's, unless none comes of it. */
  private performOwned(visit: Visit): HttpAnswer | Promise<HttpAnswer> {
    const { registry } = this.services;
    return lastly(
      () => this.operations.perform(visit),
      () => {
        if (registry.get(visit.connectionId) === undefined) {
          registry.routes.forget(visit.connectionId);
        }
      },
    );
  }

  /**
   * The entry in the directory decides who has the session.
   *
   * @param claimed what the directory has said, if it has been asked.
   * @returns an answer for a client that does not get it.
   */
  private async takeOver(visit: Visit, claimed?: Owner | Promise<Owner>): Promise<HttpAnswer | undefined> {
    const { connectionId } = visit;
    const { routes } = this.services.registry;
    let former: string | undefined;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const isFirst = attempt === 0 && claimed !== undefined;
      const owner = await (isFirst ? claimed : routes.claim(connectionId, 'classic', former));
      if (owner === undefined) {
        return undefined;
      }
      const release = await this.takeFrom(owner, visit);
      if (release !== undefined) {
        return 'dismissal' in release ? this.refuse(visit, release.dismissal) : undefined;
      }
      // It is dead, or knows nothing of the connection that the directory says it has.
      former = owner;
    }
    return rejection(503);
  }

  /** The client is not to come back. */
  private refuse({ classic, transport }: Visit, dismissal: string): HttpAnswer {
    return refuseDismissed(transport === 'longPolling' && classic.isReceive, dismissal);
  }

  /**
   * Asks a node to let a session go. It stays subscribed until this node has subscribed as well, so that nothing is lost in
   * between.
   */
  private async takeFrom(owner: string, visit: Visit): Promise<Release | undefined> {
    const { classic, connectionId } = visit;
    const request = toRelayed(classic, { scope: this.scope, operation: RELEASE, connectionId });
    const asked = this.services.registry.relays.open(owner, request);
    const outcome = await asked.outcome;
    if (outcome.type !== 'answer') {
      return undefined;
    }
    try {
      const text = fromNoteData(outcome.answer.body ?? '').toString();
      const release = JSON.parse(text) as Release;
      if ('session' in release) {
        await this.operations.adopt(visit, release.session);
      }
      return release;
    } finally {
      asked.close(true);
    }
  }

  /** Serves a request that another node has taken. It is not sent on once more. */
  private async serveRelayed(exchange: RelayedExchange): Promise<void> {
    const { connectionId, operation, details, ...facts } = exchange.request;
    if (operation === RELEASE) {
      await this.release(exchange);
      return;
    }
    const classic = new ClassicRequest(facts);
    const { hubNames, body } = details as Details;
    classic.body = body;
    let answer: HttpAnswer;
    try {
      const transport = this.admission.transportOf(classic);
      const dismissal = this.services.dismissed.reasonOf(connectionId);
      if (dismissal !== undefined && operation !== 'abort') {
        answer = refuseDismissed(classic.isReceive, dismissal);
      } else if (this.operations.find(connectionId) === undefined) {
        exchange.absent();
        return;
      } else if (this.closing) {
        answer = rejection(503);
      } else {
        answer = await this.operations.perform({
          classic,
          connectionId,
          transport,
          dispatcher: this.application.dispatcherOf(hubNames),
          callback: readCallback(classic.query.get('callback')),
          exchange: new RelayedClassicExchange(exchange),
        });
      }
    } catch (error) {
      answer = failure(error);
    }
    if (answer !== TAKEN) {
      exchange.answer(answer);
    }
  }

  /** Lets go of a session whose client has come back to another node. */
  private async release(exchange: RelayedExchange): Promise<void> {
    const { connectionId } = exchange.request;
    const answer = (release: Release, onOver?: (taken: boolean) => void): void =>
      exchange.answer({ status: 200, body: JSON.stringify(release) }, onOver);
    await this.arriving.get(connectionId);
    const dismissal = this.services.dismissed.reasonOf(connectionId);
    if (dismissal !== undefined) {
      answer({ dismissal });
      return;
    }
    const connection = this.operations.find(connectionId);
    const session = await connection?.release(exchange.front);
    if (connection === undefined || session === undefined) {
      this.letGo(connectionId, exchange.front);
      exchange.absent();
    } else {
      answer({ session }, (taken) => (taken ? connection.left() : connection.leaveBehind()));
    }
  }

  /** A connection whose hubs are still being told of its end must not take the entry of its successor with it. */
  private letGo(connectionId: string, nodeId: string): void {
    const { registry } = this.services;
    const ending = registry.get(connectionId);
    if (ending !== undefined) {
      registry.handOver(ending, nodeId);
    }
  }

  /** One after another for each client: it may open a second line before the first one is open. */
  private async inTurn<T>(connectionId: string, work: () => T | Promise<T>): Promise<T> {
    const before = this.arriving.get(connectionId);
    const turn = (before ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => undefined);
    this.arriving.set(connectionId, settled);
    try {
      return await turn;
    } finally {
      if (this.arriving.get(connectionId) === settled) {
        this.arriving.delete(connectionId);
      }
    }
  }
}
