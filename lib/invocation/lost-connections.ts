import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import { LostConnection } from '../connections/lost-connection.js';
import type { OutboxLimits } from '../connections/outbox.js';
import type { HubDescriptor } from '../hubs/hub-descriptor.js';
import type { ConnectionDirectory, ConnectionEntry } from '../messaging/connection-directory.js';
import type { HubInvoker } from './hub-invoker.js';

/** When the client of a lost connection counts as gone, and where it may turn up until then. */
export interface LossTerms {
  readonly directory: ConnectionDirectory;
  /** How long, in milliseconds, a classic client may take to return to another node. */
  readonly grace: number;
  readonly outbox: OutboxLimits;
  readonly now: () => number;
}

/**
 * Tells hubs that connections have ended whose node died and could not say so. Clients of the Core family are gone with
 * their node; those of the classic one may come back with the same connection to another.
 */
export class LostConnections {
  private readonly logger = traceSource('SignalR.Connection');
  private readonly hubs: ReadonlyMap<string, HubDescriptor>;
  /** Classic ones whose time is not up, the first to be up first: as many as the dead node had. */
  private readonly waiting: { readonly entry: ConnectionEntry; readonly due: number }[] = [];

  constructor(
    hubs: readonly HubDescriptor[],
    private readonly invoker: HubInvoker,
    private readonly terms: LossTerms,
  ) {
    this.hubs = new Map(hubs.map((hub) => [hub.name, hub]));
  }

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
    const connection = new LostConnection(entry, this.terms.outbox);
    const event = { name: 'onDisconnected', args: [false] } as const;
    for (const name of entry.hubs) {
      const hub = this.hubs.get(name);
      try {
        await (hub === undefined
          ? undefined
          : this.invoker.raise(connection, hub, event, connection.request));
      } catch (error) {
        this.logger.error(
          `onDisconnected of ${name} failed for connection ${connection.id}`,
          toError(error).stack,
        );
      }
    }
  }
}
