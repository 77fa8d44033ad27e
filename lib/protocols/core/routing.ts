import { toError } from '../../common/errors.js';
import { andThen, lastly, recover } from '../../common/promises.js';
import { traceSource } from '../../common/trace.js';
import type { RelayedExchange } from '../../connections/relay/relayed-exchange.js';
import type { OpenLine } from '../../connections/relay/forwarded-request.js';
import { BodyError, type HttpAnswer } from '../../transports/http.js';
import type { ProtocolServices } from '../endpoint.js';
import { type Answer, forward, toRelayed } from '../forwarding.js';
import { empty, NOT_FOUND, notCached, TAKEN } from './answers.js';
import type { ConnectionTable, Found } from './connection-table.js';
import { type CoreOperation, type LocalExchange, RelayedCoreExchange } from './exchange.js';
import type { CoreOperations } from './operations.js';
import { CoreRequest } from './request.js';

/** What travels with a request besides what all requests have. */
interface Details {
  readonly expiresAt?: number | undefined;
}

/** Requests that may be the first one of a connection. */
const CREATING: ReadonlySet<CoreOperation> = new Set(['socket', 'stream', 'poll', 'post']);

/** The directory cannot be asked. */
const NOBODY_KNOWS = Symbol('nobody knows');

/**
 * Brings the requests of clients to the node that has their connection, so that no load balancer has to. A connection stays
 * with the node that its first request came to.
 */
export class CoreRouting {
  private static readonly logger = traceSource('SignalR.HttpConnectionDispatcher');
  private readonly scope: string;

  constructor(
    path: string,
    private readonly operations: CoreOperations,
    private readonly table: ConnectionTable,
    private readonly services: ProtocolServices,
  ) {
    this.scope = `core:${path}`;
    services.registry.relays.serve(this.scope, (exchange) => this.serveRelayed(exchange));
    services.registry.onTakenEarly((connectionId) => table.abandon(connectionId));
  }

  /** Serves a request that guards have let through: here, or at the node that has the connection. */
  serve(operation: CoreOperation, request: CoreRequest, exchange: LocalExchange): Answer | Promise<Answer> {
    const id = request.query.get('id');
    const found = operation === 'socket' ? this.table.findForSocket(id) : this.table.find(id);
    const { ticket } = found;
    if (ticket === undefined || found.connection !== undefined || id === undefined || id === '') {
      return this.operations.perform(operation, found, request, exchange);
    }
    const { connectionId } = ticket;
    const { routes } = this.services.registry;
    const mayBegin = CREATING.has(operation) && !('rejection' in found) && !this.operations.isClosing;
    const owner = recover<string | undefined, typeof NOBODY_KNOWS>(
      () => (mayBegin ? this.claim(operation, connectionId) : routes.ownerOf(connectionId)),
      () => NOBODY_KNOWS,
    );
    return andThen(owner, (node) => {
      if (node === NOBODY_KNOWS) {
        return empty(503);
      }
      if (node !== undefined) {
        return this.forward(node, connectionId, operation, request, exchange);
      }
      // Another request of the client may have come first while the directory was asked.
      const perform = (): Answer | Promise<Answer> =>
        this.operations.perform(operation, this.table.lookUp(ticket), request, exchange);
      return mayBegin ? lastly(perform, () => this.forgetUnlessBegun(connectionId)) : perform();
    });
  }

  private forgetUnlessBegun(connectionId: string): void {
    if (!this.table.knows(connectionId)) {
      this.services.registry.routes.forget(connectionId);
    }
  }

  /** What is posted nearly always belongs to a connection that another request has begun: if nobody knows where, it fails. */
  private claim(
    operation: CoreOperation,
    connectionId: string,
  ): string | undefined | Promise<string | undefined> {
    const { routes } = this.services.registry;
    return operation === 'post'
      ? routes.claimForSure(connectionId, 'core')
      : routes.claim(connectionId, 'core');
  }

  private async forward(
    node: string,
    connectionId: string,
    operation: CoreOperation,
    request: CoreRequest,
    exchange: LocalExchange,
  ): Promise<Answer> {
    const details: Details = { expiresAt: request.expiresAt };
    const outcome = await forward(
      this.services.registry.relays,
      node,
      toRelayed(request, { scope: this.scope, operation, connectionId, details }),
      {
        line: exchange.line,
        ...(operation === 'post' && { body: exchange.body() }),
        openLine: lineOf(operation, exchange),
      },
    );
    switch (outcome.type) {
      case 'answer':
        return outcome.answer;
      case 'taken':
        return TAKEN;
      default:
        return this.unreachable(operation, outcome.type === 'lost' && outcome.kind === 'interrupted');
    }
  }

  /**
   * The owner is dead; or the way to it was interrupted or this node is about to leave: then a poll ends as if its time were
   * up, and the next one finds out whether the connection still is.
   */
  private unreachable(operation: CoreOperation, isInterrupted: boolean): HttpAnswer {
    if (operation === 'poll') {
      return notCached(isInterrupted || this.operations.isClosing ? empty(200) : NOT_FOUND);
    }
    return operation === 'socket' ? { ...NOT_FOUND, headers: {} } : NOT_FOUND;
  }

  /** Serves a request of a client of another node. It is not sent on once more. */
  private async serveRelayed(exchange: RelayedExchange): Promise<void> {
    const answer = await this.answerRelayed(exchange);
    if (answer === undefined) {
      exchange.absent();
    } else if (answer !== TAKEN) {
      exchange.answer(answer);
    }
  }

  private async answerRelayed(exchange: RelayedExchange): Promise<HttpAnswer | undefined> {
    const { operation, details, ...facts } = exchange.request;
    const request = new CoreRequest(facts);
    request.expiresAt = (details as Details | undefined)?.expiresAt;
    const found: Found = this.table.find(request.query.get('id'));
    if (!('rejection' in found) && found.connection === undefined) {
      return undefined;
    }
    try {
      const relayed = new RelayedCoreExchange(exchange);
      return await this.operations.perform(operation as CoreOperation, found, request, relayed);
    } catch (error) {
      if (error instanceof BodyError) {
        return empty(error.status);
      }
      CoreRouting.logger.error(`a request of another node failed`, toError(error).stack);
      return empty(500);
    }
  }
}

function lineOf(operation: CoreOperation, exchange: LocalExchange): OpenLine {
  return (opened) => {
    if (operation === 'socket') {
      exchange.openSocket(opened);
    } else {
      opened(exchange.openStream());
    }
  };
}
