import type { Topic } from '../messaging/topics.js';
import type { LogPosition } from './log-position.js';
import { PUBLISH } from './log-scripts.js';
import type { LoggedEnvelope } from './logged-envelope.js';
import type { QueuedMessage, Receipt, Transmission } from './publisher.js';
import type { RedisAccess } from './redis-access.js';
import { COUNT_RETENTION } from './sender-counts.js';

/** Brings messages into the logs, and remembers which of them have no place there yet. */
export class StreamTransmission implements Transmission {
  readonly isRepeatable = true;
  /** Messages of this node for topics that it is subscribed to, by their count, oldest first, until their place is known. */
  unplaced = new Map<number, LoggedEnvelope>();

  constructor(
    private readonly position: LogPosition,
    private readonly limits: { readonly bufferSize: number; readonly retention: number },
    private readonly redis: RedisAccess,
  ) {}

  get isOpen(): boolean {
    return this.redis.isOpen;
  }

  async transmit({ topic, count, head, text }: QueuedMessage, accepted: number): Promise<Receipt> {
    const { keys, publishCommand } = this.redis;
    const { witnessed, tag } = this.position;
    const { bufferSize, retention } = this.limits;
    const reply = await this.redis.run(
      PUBLISH,
      [keys.epoch, keys.sequence, keys.terms, keys.accepted(tag), keys.log(topic)],
      [
        ...witnessed,
        count,
        accepted,
        head,
        text,
        keys.channel(topic),
        bufferSize,
        retention,
        COUNT_RETENTION,
        publishCommand,
      ],
    );
    const [status, epoch, place, acceptedNow, term] = reply as [string, string, number, number, string];
    this.position.heardOf(epoch);
    if (status === 'accepted') {
      this.position.witness(epoch, place, term);
      // A place in a life of the log that the node has not heard of yet tells nothing to those who come with an older cursor.
      if (epoch === this.position.epoch) {
        this.placed(count, place);
      }
    }
    return { accepted: acceptedNow, taken: status !== 'missing' };
  }

  /** Takes in messages that were sent before the node was subscribed to their topic. */
  recall(envelopes: readonly LoggedEnvelope[]): void {
    const entries = envelopes.map((envelope) => [envelope.count, envelope] as const);
    this.unplaced = new Map([...this.unplaced, ...entries].toSorted(([left], [right]) => left - right));
  }

  /** Redis has given a message its place. */
  placed(count: number, sequence: number): void {
    const envelope = this.unplaced.get(count);
    if (envelope !== undefined) {
      envelope.sequence = sequence;
      this.unplaced.delete(count);
    }
  }

  /**
   * Of messages whose own place was lost on the way it is at least known that it is not behind this one.
   *
   * @returns their topics
   */
  placedUpTo(count: number, sequence: number): Topic[] {
    const topics: Topic[] = [];
    for (const [unplaced, { topic }] of this.unplaced) {
      if (unplaced > count) {
        break;
      }
      this.placed(unplaced, sequence);
      topics.push(topic);
    }
    return topics;
  }

  /** True if there is a message for a topic whose place is not known. */
  hasUnplaced(topic: Topic): boolean {
    return [...this.unplaced.values()].some((envelope) => envelope.topic === topic);
  }
}
