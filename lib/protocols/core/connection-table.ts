import type { Clock } from '../../common/clock.js';
import type { HttpConnectionOptions } from '../../common/core-options.js';
import type { HttpAnswer } from '../../transports/http.js';
import { NOT_FOUND, text } from './answers.js';
import { HttpConnection } from './http-connection.js';
import type { HttpSession } from './http-session.js';
import type { CoreRequest } from './request.js';
import type { CoreTicket, CoreTokens } from './tokens.js';

/** Tokens count whole seconds: so much longer, in milliseconds, they are taken than the reference keeps a negotiation. */
const TOKEN_PRECISION = 1_000;

/** It never changes, and to ask for it costs more than to look at the clock. */
const TIME_ORIGIN = performance.timeOrigin;

/** Makes the session of a connection. */
export type CreateSession = (
  ticket: CoreTicket,
  request: CoreRequest,
  onForgotten: () => void,
) => HttpSession;

/** A connection that is here. */
interface Entry {
  readonly ticket: CoreTicket;
  readonly connection: HttpConnection;
}

/** What an `id` stands for: a connection that may not have had a request yet, or the answer to whoever sent it. */
export type Found =
  | { readonly ticket: CoreTicket; readonly connection: HttpConnection | undefined }
  | {
      readonly rejection: HttpAnswer;
      /** Set if another node may have the connection. */
      readonly ticket?: CoreTicket;
      readonly connection?: undefined;
    };

/** The connections of one url, by what clients send as `id` (signalr-core §1.5). */
export class ConnectionTable {
  private readonly entries = new Map<string, Entry>();
  /** The same by their tokens: who brings one that is known need not have it deciphered again. */
  private readonly byToken = new Map<string, Entry>();
  /** Connections that have gone while their token is still fresh: it must not open another one. */
  private readonly recentlyGone = new Map<string, number>();
  private readonly tokenLifetime: number;
  private onEmpty: () => void = () => undefined;

  constructor(
    private readonly tokens: CoreTokens,
    private readonly options: HttpConnectionOptions,
    private readonly clock: Clock,
    private readonly createSession: CreateSession,
    /** Called when no request of a connection is expected any more. */
    private readonly onForgotten: (connectionId: string) => void,
  ) {
    this.tokenLifetime = options.disconnectTimeout + TOKEN_PRECISION;
  }

  *[Symbol.iterator](): IterableIterator<HttpConnection> {
    for (const { connection } of this.entries.values()) {
      yield connection;
    }
  }

  /** Finds what an `id` stands for: a connection that is there, or a token that is still fresh. */
  find(id: string | undefined): Found {
    if (!isPresent(id)) {
      return { rejection: text(400, 'Connection ID required') };
    }
    const known = this.byToken.get(id);
    if (known !== undefined) {
      return unlessTerminated(known);
    }
    const ticket = this.tokens.read(id);
    return ticket === undefined ? { rejection: NOT_FOUND } : this.lookUp(ticket);
  }

  /** What a ticket that is one of ours stands for now. */
  lookUp(ticket: CoreTicket): Found {
    if (this.recentlyGone.has(ticket.connectionId)) {
      return { rejection: NOT_FOUND };
    }
    const entry = this.entries.get(ticket.connectionId);
    if (entry === undefined) {
      return this.isFresh(ticket) ? { ticket, connection: undefined } : { rejection: NOT_FOUND, ticket };
    }
    return unlessTerminated(entry);
  }

  /** The same for an upgrade: without an id the client skips negotiation, and its connection id is its token. */
  findForSocket(id: string | undefined): Found {
    return isPresent(id)
      ? this.find(id)
      : { ticket: this.tokens.issue(0, this.wallClock()), connection: undefined };
  }

  /** True for connections that are here, and for those that have been of late. */
  knows(connectionId: string): boolean {
    return this.entries.has(connectionId) || this.recentlyGone.has(connectionId);
  }

  /** Makes the connection of a token that had no request before. */
  create(ticket: CoreTicket, request: CoreRequest): HttpConnection {
    const { connectionId, token, issuedAt } = ticket;
    const openUntil = issuedAt * 1000 - TIME_ORIGIN + this.tokenLifetime;
    const session = this.createSession(ticket, request, () => connection.sessionForgotten());
    const connection = new HttpConnection(session, request, {
      options: this.options,
      clock: this.clock,
      openUntil,
      onGone: () => this.remove(ticket, openUntil),
    });
    const entry = { ticket, connection };
    this.entries.set(connectionId, entry);
    this.byToken.set(token, entry);
    return connection;
  }

  /** Another node has this connection. */
  abandon(connectionId: string): void {
    this.entries.get(connectionId)?.connection.session.takenAway();
  }

  onHeartbeat(now: number): void {
    for (const { connection } of this.entries.values()) {
      connection.onHeartbeat(now);
    }
    for (const [connectionId, until] of this.recentlyGone) {
      if (until > now) {
        break;
      }
      this.recentlyGone.delete(connectionId);
      this.onForgotten(connectionId);
    }
  }

  /** Resolves when the last connection has gone. */
  async whenEmpty(): Promise<void> {
    if (this.entries.size > 0) {
      await new Promise<void>((resolve) => {
        this.onEmpty = resolve;
      });
    }
  }

  /** Tokens carry a time that all nodes understand; tests move it with their clock. */
  wallClock(): number {
    return TIME_ORIGIN + this.clock.now();
  }

  private remove({ connectionId, token }: CoreTicket, openUntil: number): void {
    this.entries.delete(connectionId);
    this.byToken.delete(token);
    const now = this.clock.now();
    if (now < openUntil) {
      this.recentlyGone.set(connectionId, now + this.tokenLifetime);
    } else {
      this.onForgotten(connectionId);
    }
    if (this.entries.size === 0) {
      this.onEmpty();
    }
  }

  private isFresh(ticket: CoreTicket): boolean {
    return this.wallClock() - ticket.issuedAt * 1000 < this.tokenLifetime;
  }
}

/** A client that has said goodbye does not find its connection any more. */
function unlessTerminated(entry: Entry): Found {
  return entry.connection.isTerminated ? { rejection: NOT_FOUND } : entry;
}

function isPresent(id: string | undefined): id is string {
  return id !== undefined && id !== '';
}
