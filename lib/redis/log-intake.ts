import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import type { BackplaneNode } from '../messaging/backplane.js';
import type { Topic } from '../messaging/topics.js';
import type { Arrival } from './held-arrivals.js';
import type { LocalHistory } from './local-history.js';
import type { LogPosition } from './log-position.js';
import { NEW_LIFE } from './log-scripts.js';
import { LoggedEnvelope } from './logged-envelope.js';
import type { MarkWaiters } from './mark-waiters.js';
import type { LogMark } from './message-log.js';
import type { OpenTopic } from './open-topic.js';
import type { RedisAccess } from './redis-access.js';
import type { StreamTransmission } from './stream-transmission.js';
import type { WireMessage } from './wire-format.js';

/** What the intake needs of the log. */
export interface LogIntakeServices {
  readonly position: LogPosition;
  readonly history: LocalHistory;
  readonly transmission: StreamTransmission;
  readonly waiters: MarkWaiters;
  readonly node: BackplaneNode;
  readonly redis: RedisAccess;
  /** Has a mark published; see `SYNC`. */
  sync(): Promise<LogMark>;
  /** The log has begun anew: what else the node has in Redis may be gone as well. */
  begunAnew(): void;
}

/** Takes in what Redis hands on, in the order of the log: it moves the position of the node and reaches its connections. */
export class LogIntake {
  private readonly trace = traceSource('SignalR.MessageBus');

  constructor(private readonly log: LogIntakeServices) {}

  /** The next message, or a mark that tells that nothing before it is on its way any more. */
  take(arrival: Arrival): void {
    const { position } = this.log;
    if ('mark' in arrival) {
      const { epoch, sequence, accepted, term } = arrival.mark;
      this.enter(epoch, sequence);
      position.witness(epoch, sequence, term);
      position.sequence = Math.max(position.sequence, sequence);
      position.placed = Math.max(position.placed, accepted);
      this.placedUpTo(accepted, sequence);
    } else {
      const { epoch, sequence } = arrival.wire;
      this.enter(epoch, sequence - 1);
      if (sequence <= position.sequence) {
        this.trace.warn('Redis gives places in the log a second time: it has come back with an older state');
        void this.beginNewLife(epoch);
      }
      this.takeMessage(arrival.topic, arrival.wire);
    }
    this.log.waiters.moved();
  }

  /** The next message, of the life of the log that the node is in. */
  takeMessage(topic: Topic, { tag, count, epoch, sequence, term, message }: WireMessage): void {
    const { position, history, transmission } = this.log;
    position.sequence = sequence;
    position.witness(epoch, sequence, term);
    const state = history.get(topic);
    if (state?.isSubscribed === true && state.since === undefined && this.knowsOwnBefore(topic, state)) {
      state.since = sequence - 1;
    }
    if (tag === position.tag) {
      transmission.placed(count, sequence);
      this.placedUpTo(count - 1, sequence);
      position.placed = Math.max(position.placed, count);
    } else if (state !== undefined) {
      this.deliver(new LoggedEnvelope(topic, message, position.cursor.toString(), tag, count, sequence));
    }
  }

  /**
   * Keeps a message and hands it to the connections of the node.
   *
   * @param order its place among all that the node has come to know of. Default: the latest.
   */
  deliver(envelope: LoggedEnvelope, order?: number): void {
    this.log.history.append(envelope, order);
    this.log.node.deliver(envelope);
  }

  /**
   * True if what the node had sent itself before it was subscribed to a topic stands before all that comes now. It does not
   * arrive, or counts as delivered when it does: where Redis had accepted it before the topic was opened, it is not in memory,
   * and without its place nobody can say who has seen it.
   */
  private knowsOwnBefore(topic: Topic, { sentBefore }: OpenTopic): boolean {
    const { position, transmission } = this.log;
    return sentBefore <= position.placed && !transmission.hasUnplaced(topic);
  }

  /** Where only this much is known of a message, memory cannot tell who has seen it and who has not: the log can. */
  private placedUpTo(count: number, sequence: number): void {
    for (const topic of this.log.transmission.placedUpTo(count, sequence)) {
      const state = this.log.history.get(topic);
      if (state?.since !== undefined) {
        state.since = Math.max(state.since, sequence);
      }
    }
  }

  /** Nothing of an earlier life of the log can be continued in a new one. */
  private enter(epoch: string, sequence: number): void {
    const { position } = this.log;
    if (position.epoch === epoch) {
      return;
    }
    const isFirst = position.epoch === '';
    position.begin(epoch, sequence);
    this.log.history.forget(sequence);
    if (!isFirst) {
      this.trace.warn('the log in Redis has begun anew: what was published before is gone');
      this.log.node.gap?.('all');
      this.log.begunAnew();
    }
  }

  private async beginNewLife(epoch: string): Promise<void> {
    const { redis, sync } = this.log;
    try {
      await redis.run(NEW_LIFE, [redis.keys.epoch], [epoch, this.log.position.nextEpoch]);
      await sync();
    } catch (error) {
      this.trace.warn(`the log could not be begun anew: ${toError(error).message}`);
    }
  }
}
