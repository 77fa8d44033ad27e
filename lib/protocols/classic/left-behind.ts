import type { Clock } from '../../common/clock.js';
import { isBackplaneDown, isUnacknowledged, toError } from '../../common/errors.js';
import { traceSource } from '../../common/trace.js';
import type { Backplane } from '../../messaging/backplane.js';
import type { Topic } from '../../messaging/topics.js';

/** How long, in milliseconds, a node has to say that it has heard, before it may be told once more. */
const PATIENCE = 5_000;

/** What is still to be told of a session. */
interface Legacy {
  readonly topics: readonly Topic[];
  /** From then on its client comes back to nobody. */
  until: number;
  /** True while it is being told. */
  isUnderWay: boolean;
}

/**
 * Groups of sessions that other nodes have without having got them from this one: it could not be asked, or its answer was
 * lost. Such a node knows the groups that the client's token tells of, and must not go on as if there were no others. It is
 * told until it has heard: when the nodes lose each other, the first attempt fails with whatever failed before it.
 *
 * Waits for as many sessions as the node has lost that way within the time in which clients come back.
 */
export class LeftBehind {
  private readonly logger = traceSource('SignalR.Connection');
  private readonly waiting = new Map<string, Legacy>();

  /** @param lifetime for how long, in milliseconds, a client may take to come back. */
  constructor(
    private readonly backplane: Pick<Backplane, 'command'>,
    private readonly clock: Clock,
    private readonly lifetime: number,
  ) {}

  /** How many sessions have groups of which nobody has heard. */
  get size(): number {
    return this.waiting.size;
  }

  /** Tells the node that has a session now which groups it was in here. */
  tell(connectionId: string, topics: readonly Topic[]): void {
    if (topics.length > 0) {
      const legacy = { topics, until: this.clock.now() + this.lifetime, isUnderWay: false };
      this.waiting.set(connectionId, legacy);
      void this.attempt(connectionId, legacy);
    }
  }

  onHeartbeat(now: number): void {
    for (const [connectionId, legacy] of this.waiting) {
      if (legacy.isUnderWay) {
        continue;
      }
      if (now >= legacy.until) {
        this.waiting.delete(connectionId);
        this.logger.debug(`connection ${connectionId} has not come back: nobody has heard of its groups`);
      } else {
        void this.attempt(connectionId, legacy);
      }
    }
  }

  private async attempt(connectionId: string, legacy: Legacy): Promise<void> {
    legacy.isUnderWay = true;
    try {
      await this.backplane.command({ type: 'leftBehind', connectionId, topics: legacy.topics }, PATIENCE);
      this.forget(connectionId, legacy);
    } catch (error) {
      if (isBackplaneDown(error)) {
        // The client goes on meanwhile at a node that nobody reaches.
        legacy.until = this.clock.now() + this.lifetime;
      } else if (!isUnacknowledged(error)) {
        this.logger.error(
          `nobody could be told of the groups of connection ${connectionId}`,
          toError(error).stack,
        );
      }
    }
    legacy.isUnderWay = false;
  }

  /** The session may have been here once more meanwhile. */
  private forget(connectionId: string, legacy: Legacy): void {
    if (this.waiting.get(connectionId) === legacy) {
      this.waiting.delete(connectionId);
    }
  }
}
