import type { Flushable } from '../common/flush-queue.js';
import { flushAtEndOfTurn } from './turn.js';

/** What an outbox does with a connection whose peer does not read. */
export type OutboxPolicy = 'close' | 'dropOldest' | 'keepLatest';

/** Limits of what waits for one connection while its peer does not read. */
export interface OutboxLimits {
  /** Bytes; text counts one per character. */
  readonly maxBytes: number;
  readonly maxMessages: number;
  readonly policy: OutboxPolicy;
}

/** One message to a peer, in the form of its protocol. */
export interface OutboxItem {
  readonly data: string | Uint8Array;
  /** True for messages that may be left out when the peer is too slow, false for answers that it waits for. */
  readonly droppable: boolean;
}

/** The connection that an outbox belongs to. */
export interface OutboxOwner<T extends OutboxItem> {
  /** False while the peer takes nothing more. */
  readonly canWrite: boolean;
  write(items: readonly T[]): void;
  /** More waits than may, and the policy is to close, or only answers are left that cannot be dropped. */
  overflowed(): void;
  /** Messages were left out. */
  dropped(count: number): void;
}

/** So many messages leave at once although the turn has not ended, so that one long turn does not collect everything. */
const BATCH = 256;

/** Shared by all outboxes in which nothing waits, which are most of them most of the time; never changed. */
const NONE: never[] = [];

/**
 * The messages that wait for one connection. A sender never waits for a slow receiver: messages of a turn are written
 * at its end, and while the peer does not read they stay here, within limits.
 */
export class Outbox<T extends OutboxItem> implements Flushable {
  private items: T[] = NONE;
  private bytes = 0;
  private scheduled = false;
  private isLimited = true;

  constructor(
    private readonly owner: OutboxOwner<T>,
    private readonly limits: OutboxLimits,
  ) {}

  /** How many messages wait. */
  get length(): number {
    return this.items.length;
  }

  /** How many bytes wait; text counts one per character. */
  get waitingBytes(): number {
    return this.bytes;
  }

  push(item: T): void {
    // Nearly always it is the only one of its turn: a list of exactly one is several times smaller than a grown one.
    if (this.items.length === 0) {
      this.items = [item];
    } else {
      this.items.push(item);
    }
    this.bytes += item.data.length;
    if (this.items.length >= BATCH && this.owner.canWrite) {
      this.writeAll();
    } else if (!this.scheduled) {
      this.scheduled = true;
      flushAtEndOfTurn(this);
    }
    if (this.isLimited && this.exceeded) {
      this.enforceLimits();
    }
  }

  /** Takes in whatever is pushed meanwhile; the limits hold again for what is pushed afterwards. */
  suspendLimits(push: () => void): void {
    this.isLimited = false;
    try {
      push();
    } finally {
      this.isLimited = true;
    }
  }

  /** Takes back what the owner could not write after all; it goes before whatever has been pushed since. */
  putBack(items: readonly T[]): void {
    this.items = [...items, ...this.items];
    for (const item of items) {
      this.bytes += item.data.length;
    }
  }

  flush(): void {
    this.scheduled = false;
    if (this.items.length > 0 && this.owner.canWrite) {
      this.writeAll();
    }
  }

  /** Writes what waits although the peer takes nothing now: the channel keeps it until the peer comes for it. */
  drain(): void {
    if (this.items.length > 0) {
      this.writeAll();
    }
  }

  /** Forgets what waits; the connection has ended or its messages are kept elsewhere. */
  clear(): void {
    this.items = NONE;
    this.bytes = 0;
  }

  private writeAll(): void {
    const items = this.items;
    this.clear();
    this.owner.write(items);
  }

  private enforceLimits(): void {
    // Messages that only wait for the end of the turn are nobody's fault.
    if (this.owner.canWrite) {
      this.writeAll();
      return;
    }
    const before = this.items.length;
    if (this.limits.policy === 'dropOldest') {
      this.drop((_, count) => this.exceeds(count));
    } else if (this.limits.policy === 'keepLatest') {
      const latest = this.items.at(-1);
      this.drop((item) => item !== latest);
    }
    if (this.items.length < before) {
      this.owner.dropped(before - this.items.length);
    }
    if (this.exceeded) {
      this.clear();
      this.owner.overflowed();
    }
  }

  private get exceeded(): boolean {
    return this.exceeds(this.items.length);
  }

  private exceeds(count: number): boolean {
    return count > this.limits.maxMessages || this.bytes > this.limits.maxBytes;
  }

  /** @param condition whether a message, the oldest first, is left out, while so many are there. */
  private drop(condition: (item: T, count: number) => boolean): void {
    let count = this.items.length;
    this.items = this.items.filter((item) => {
      if (!item.droppable || !condition(item, count)) {
        return true;
      }
      count--;
      this.bytes -= item.data.length;
      return false;
    });
  }
}
