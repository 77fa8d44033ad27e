import { ENCODED_MESSAGES } from '../messaging/envelope.js';
import type { Cursor, MessagePlace } from './cursor.js';
import type { LoggedEnvelope } from './logged-envelope.js';

/** A message that is kept. */
export interface Delivered {
  /** Place in the order in which the node has come to know of messages, its own when they were sent. */
  readonly order: number;
  readonly envelope: LoggedEnvelope;
}

/** A topic that the node wants. */
export class OpenTopic {
  /**
   * True if its channel is subscribed to, or will be with the next connection. Not while it is about to be on the present
   * one: what arrives may belong to an earlier subscription that has not ended yet.
   */
  isSubscribed = false;
  /** Everything that was published after this place has come to the node; undefined as long as that is not known. */
  since: number | undefined;
  /** Count of the last message that the node had sent, to whatever topic, when it subscribed. */
  sentBefore = 0;
  /** Made by the first message: a ring, the oldest at `oldest`. */
  private ring: Delivered[] | undefined;
  private oldest = 0;
  /** The last ones that were forgotten, of this node and of others; both were in the order of their places. */
  private forgottenOwn: MessagePlace | undefined;
  private forgotten: MessagePlace | undefined;
  /** The last message of this node that may be missing, because those are not made up. */
  private notMadeUp: MessagePlace | undefined;

  append(delivered: Delivered, capacity: number, tag: string): void {
    this.ring ??= [];
    if (this.ring.length < capacity) {
      this.ring.push(delivered);
    } else {
      this.replaceOldest(this.ring, delivered, tag);
    }
    const { length } = this.ring;
    if (length > ENCODED_MESSAGES) {
      this.ring[(this.oldest + length - 1 - ENCODED_MESSAGES) % length]?.envelope.forgetEncodings();
    }
  }

  private replaceOldest(ring: Delivered[], delivered: Delivered, tag: string): void {
    const { envelope } = ring[this.oldest] as Delivered;
    if (envelope.sender === tag) {
      this.forgottenOwn = envelope;
    } else {
      this.forgotten = envelope;
    }
    ring[this.oldest] = delivered;
    this.oldest = (this.oldest + 1) % ring.length;
  }

  /** True if nothing is missing of what somebody with this cursor has not seen. */
  isCompleteFor(cursor: Cursor, since: Cursor | undefined): boolean {
    const start = Math.max(cursor.sequence, since?.sequence ?? 0);
    const reachesBack = this.since !== undefined && this.since <= start;
    return (
      reachesBack &&
      [this.forgotten, this.forgottenOwn, this.notMadeUp].every(
        (envelope) => envelope === undefined || cursor.covers(envelope) || since?.covers(envelope) === true,
      )
    );
  }

  *missing(cursor: Cursor, since: Cursor | undefined): IterableIterator<Delivered> {
    for (const delivered of this.ring ?? []) {
      if (!cursor.covers(delivered.envelope) && since?.covers(delivered.envelope) !== true) {
        yield delivered;
      }
    }
  }

  /**
   * Its channel will be subscribed to with the next connection, and what was published after a place made up.
   *
   * @param own the last message of the node itself that may stand behind that place. Those are not made up, so only who has
   *   seen them can go on here.
   */
  countOnMakingUp(sequence: number, own: MessagePlace | undefined): void {
    this.isSubscribed = true;
    this.since = sequence;
    this.notMadeUp = own ?? this.notMadeUp;
  }

  /** What has been made up ends at a place, and with it own messages up to a count. */
  madeUp(sequence: number, accepted: number): void {
    const { notMadeUp } = this;
    if (notMadeUp !== undefined && notMadeUp.sequence === undefined && notMadeUp.count <= accepted) {
      this.notMadeUp = { sender: notMadeUp.sender, count: notMadeUp.count, sequence };
    }
  }

  /** Another life of the log has begun at a place. What Redis has not accepted yet will get its place there. */
  forget(sequence: number): void {
    const { ring, oldest, forgottenOwn } = this;
    this.ring = ring && [...ring.slice(oldest), ...ring.slice(0, oldest)].filter(isUnplaced);
    this.oldest = 0;
    this.forgotten = undefined;
    this.forgottenOwn = forgottenOwn?.sequence === undefined ? forgottenOwn : undefined;
    this.notMadeUp = undefined;
    this.since = this.isSubscribed ? sequence : undefined;
  }
}

const isUnplaced = ({ envelope }: Delivered): boolean => envelope.sequence === undefined;
