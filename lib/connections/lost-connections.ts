import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import type { ConnectionDirectory, ConnectionEntry } from '../messaging/connection-directory.js';
import { LostConnection } from './lost-connection.js';
import type { OutboxLimits } from './outbox.js';

/** When the client of a lost connection counts as gone, and where it may turn up until then. */
export interface LossTerms {
  readonly directory: ConnectionDirectory;
  /** How long, in milliseconds, a classic client may take to return to another node. */
  readonly grace: number;
  readonly outbox: OutboxLimits;
  readonly now: () => number;
}

/** Tells a part of the application that a connection has ended. A throw is logged. */
export type TellOfLoss = (connection: LostConnection) => unknown;

/** Who is told of lost connections. */
export interface LossListeners {
  /** Hubs, by canonical name. */
  readonly hubs: ReadonlyMap<string, TellOfLoss>;
  /** Persistent connections and connection handlers, by path. */
  readonly paths: ReadonlyMap<string, TellOfLoss>;
}

/**
 * Tells the application that connections have ended whose node died and could not say so. Clients of the Core family are gone
 * with their node; those of the classic one may come back with the same connection to another.
 */
export class LostConnections {
  private readonly logger = traceSource('SignalR.Connection');
  /** Classic ones whose time is not up, the first to be up first: as many as the dead node had. */
  private readonly waiting: { readonly entry: ConnectionEntry; readonly due: number }[] = [];

  constructor(
    private readonly listeners: LossListeners,
    private readonly terms: LossTerms,
  ) {}

  take(entry: ConnectionEntry): void {
    if (entry.protocol === 'classic') {
      this.waiting.push({ entry, due: this.terms.now() + this.terms.grace });
    } else {
      void this.raise(entry);
    }
  }

  onHeartbeat(now: number): void {
    for (let first = this.waiting[0]; first !== undefined && first.due <= now; first = this.waiting[0]) {
      this.waiting.shift();
      void this.raiseUnlessBack(first.entry);
    }
  }

  private async raiseUnlessBack(entry: ConnectionEntry): Promise<void> {
    try {
      if ((await this.terms.directory.find(entry.connectionId)) === undefined) {
        await this.raise(entry);
      }
    } catch (error) {
      this.logger.error(`nobody knows whether ${entry.connectionId} is back`, toError(error).stack);
    }
  }

  private async raise(entry: ConnectionEntry): Promise<void> {
    const { hubs, paths } = this.listeners;
    const connection = new LostConnection(entry, this.terms.outbox);
    for (const name of entry.hubs) {
      await this.tell(hubs.get(name), name, connection);
    }
    if (entry.path !== undefined) {
      await this.tell(paths.get(entry.path), entry.path, connection);
    }
  }

  /** A node of another release may have had what this one does not know. */
  private async tell(
    tellOfLoss: TellOfLoss | undefined,
    name: string,
    connection: LostConnection,
  ): Promise<void> {
    try {
      await tellOfLoss?.(connection);
    } catch (error) {
      this.logger.error(
        `onDisconnected of ${name} failed for connection ${connection.id}`,
        toError(error).stack,
      );
    }
  }
}
