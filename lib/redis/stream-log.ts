import type { Clock } from '../common/clock.js';
import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import type { BackplaneNode, Replay, ReplayTopic } from '../messaging/backplane.js';
import type { Message } from '../messaging/envelope.js';
import type { Topic } from '../messaging/topics.js';
import { Cursor } from './cursor.js';
import { type Arrival, HeldArrivals } from './held-arrivals.js';
import { LocalHistory } from './local-history.js';
import type { LogPosition } from './log-position.js';
import { type LogExcerpt, LogReader } from './log-reader.js';
import { LogReplay, type ReplayingNode } from './log-replay.js';
import { NEW_LIFE } from './log-scripts.js';
import { LoggedEnvelope, NOT_DELIVERED } from './logged-envelope.js';
import { MarkWaiters } from './mark-waiters.js';
import type { LogMark, MessageLog } from './message-log.js';
import { Publisher, type QueuedMessage, type QueueOptions } from './publisher.js';
import type { RedisAccess } from './redis-access.js';
import { StreamTransmission } from './stream-transmission.js';
import { decodePublished, type WireMessage } from './wire-format.js';
import type { WireReports } from './wire-reports.js';

/** How long, in milliseconds, to wait with the next attempt to make up what was missed. */
const RETRY_PAUSE = 250;

/** Limits of the log. */
export interface StreamLogOptions extends QueueOptions {
  /** Messages kept per topic. */
  readonly bufferSize: number;
  /** How long, in milliseconds, a topic is kept after its last message. */
  readonly retention: number;
}

/** What the log needs besides. */
export interface StreamLogServices {
  readonly position: LogPosition;
  readonly node: BackplaneNode;
  readonly redis: RedisAccess;
  readonly reports: WireReports;
  readonly clock: Clock;
  /** Has a mark published; see `SYNC`. */
  sync(): Promise<LogMark>;
  /** The log has begun anew: what else the node has in Redis may be gone as well. */
  begunAnew(): void;
}

/**
 * Messages in streams. Redis gives each message its place in one order and tells all nodes that want it. The sender's own
 * connections do not wait for that: they get it at once, and when it comes back it only moves the position on.
 */
export class StreamLog implements MessageLog, ReplayingNode {
  readonly publisher: Publisher;
  private readonly trace = traceSource('SignalR.MessageBus');
  readonly position: LogPosition;
  readonly history: LocalHistory;
  private readonly reader: LogReader;
  private readonly past: LogReplay;
  private readonly waiters: MarkWaiters;
  private readonly transmission: StreamTransmission;
  /** While the past is being made up. */
  private held: HeldArrivals | undefined;
  private lostAt: number | undefined;

  constructor(
    private readonly options: StreamLogOptions,
    private readonly services: StreamLogServices,
  ) {
    const { position, redis, reports, clock } = services;
    const { tag } = position;
    this.position = position;
    this.history = new LocalHistory(tag, options.bufferSize);
    this.reader = new LogReader(redis, reports);
    this.past = new LogReplay(this, redis, this.reader);
    this.waiters = new MarkWaiters(this.position, clock);
    this.transmission = new StreamTransmission(this.position, options, redis);
    this.publisher = new Publisher(tag, options, this.transmission, clock);
  }

  get isBehind(): boolean {
    return this.held !== undefined;
  }

  get lastCount(): number {
    return this.publisher.lastCount;
  }

  unplaced(): LoggedEnvelope[] {
    return [...this.transmission.unplaced.values()];
  }

  publish(topic: Topic, message: Message): void | Promise<void> {
    const order = this.history.nextOrder();
    const queued = this.publisher.accept(topic, message, order);
    if (this.history.get(topic) !== undefined) {
      this.position.delivered = queued.count;
      const position = this.position.cursor.toString();
      const envelope = new LoggedEnvelope(
        topic,
        message,
        position,
        this.position.tag,
        queued.count,
        undefined,
      );
      this.transmission.unplaced.set(queued.count, envelope);
      this.deliver(envelope, order);
    }
    return this.publisher.submit(queued);
  }

  open(topic: Topic): void {
    const state = this.history.open(topic);
    if (this.held !== undefined) {
      // Its channel is not subscribed to: what is missed from here on will be made up together with the rest.
      state.since = this.position.sequence;
    }
    state.sentBefore = this.lastCount;
    for (const queued of this.publisher.waitingFor(topic)) {
      this.recall(queued);
    }
  }

  /**
   * Nobody here wanted it when it was sent, and Redis does not have it yet: who comes back for it finds it only here, and when
   * it returns from Redis it counts as delivered.
   */
  private recall({ topic, message, count, order }: QueuedMessage): void {
    let envelope = this.transmission.unplaced.get(count);
    if (envelope === undefined) {
      envelope = new LoggedEnvelope(topic, message, NOT_DELIVERED, this.position.tag, count, undefined);
      this.transmission.recall(envelope);
      this.position.delivered = Math.max(this.position.delivered, count);
    }
    this.history.append(envelope, order);
  }

  close(topic: Topic): void {
    this.history.close(topic);
  }

  async opened(topics: readonly Topic[]): Promise<void> {
    try {
      const mark = await this.catchUp();
      for (const topic of topics) {
        const state = this.history.get(topic);
        if (state !== undefined) {
          state.since ??= mark.sequence;
        }
      }
    } catch (error) {
      // They are subscribed to all the same; only what came before is not known.
      this.trace.debug(`no mark after subscribing: ${toError(error).message}`);
    }
  }

  receive(topic: Topic, payload: string): void {
    const wire = this.services.reports.attempt(() => decodePublished(payload));
    if (wire !== undefined) {
      this.arrived({ topic, wire });
    }
  }

  marked(mark: LogMark): void {
    this.arrived({ mark });
  }

  subscriptionsLost(): void {
    this.held?.end();
    this.held = this.hold();
    this.lostAt ??= this.services.clock.now();
  }

  async subscriptionsBack(): Promise<void> {
    const held = (this.held ??= this.hold());
    try {
      await this.makeUp(held);
    } catch (error) {
      this.trace.debug(`what was missed cannot be made up yet: ${toError(error).message}`);
      await new Promise<void>((resolve) => this.services.clock.after(RETRY_PAUSE, resolve));
    }
    if (this.held === held) {
      this.held = this.hold();
      await this.subscriptionsBack();
    }
  }

  private hold(): HeldArrivals {
    return new HeldArrivals(this.options.maxQueuedMessages, this.services.clock);
  }

  /** Other nodes may have said something there of which this one could not know. */
  joinedAt(topic: Topic, tail: string): string {
    const { epoch, placed } = this.position;
    const { since, sentBefore = 0 } = this.history.get(topic) ?? {};
    const known = Cursor.parse(tail, epoch);
    if (since === undefined || known === undefined) {
      return tail;
    }
    const sent = sentBefore > placed ? new Map([[this.position.tag, sentBefore]]) : undefined;
    return known.and(new Cursor(epoch, since, sent)).toString();
  }

  tail(): string {
    return this.position.cursor.toString();
  }

  replay(topics: readonly ReplayTopic[], after: string): Replay | Promise<Replay> {
    return this.past.replay(topics, after);
  }

  async catchUp(): Promise<LogMark> {
    const mark = await this.services.sync();
    await this.waiters.reached(mark);
    return mark;
  }

  private arrived(arrival: Arrival): void {
    if (this.held === undefined) {
      this.take(arrival);
    } else {
      this.held.put(arrival);
    }
  }

  private take(arrival: Arrival): void {
    if ('mark' in arrival) {
      const { epoch, sequence, accepted, term } = arrival.mark;
      this.enter(epoch, sequence);
      this.position.witness(epoch, sequence, term);
      this.position.sequence = Math.max(this.position.sequence, sequence);
      this.position.placed = Math.max(this.position.placed, accepted);
      this.placedUpTo(accepted, sequence);
    } else {
      const { epoch, sequence } = arrival.wire;
      this.enter(epoch, sequence - 1);
      if (sequence <= this.position.sequence) {
        this.trace.warn('Redis gives places in the log a second time: it has come back with an older state');
        void this.beginNewLife(epoch);
      }
      this.takeMessage(arrival.topic, arrival.wire);
    }
    this.waiters.moved();
  }

  private takeMessage(topic: Topic, { tag, count, epoch, sequence, term, message }: WireMessage): void {
    this.position.sequence = sequence;
    this.position.witness(epoch, sequence, term);
    const state = this.history.get(topic);
    // What the node had sent before it was subscribed does not arrive: without its place nobody can say who has seen it.
    if (state !== undefined && state.since === undefined && !this.transmission.hasUnplaced(topic)) {
      state.since = sequence - 1;
    }
    if (tag === this.position.tag) {
      this.transmission.placed(count, sequence);
      this.placedUpTo(count - 1, sequence);
      this.position.placed = Math.max(this.position.placed, count);
    } else if (state !== undefined) {
      const position = this.position.cursor.toString();
      this.deliver(new LoggedEnvelope(topic, message, position, tag, count, sequence));
    }
  }

  /** Where only this much is known of a message, memory cannot tell who has seen it and who has not: the log can. */
  private placedUpTo(count: number, sequence: number): void {
    for (const topic of this.transmission.placedUpTo(count, sequence)) {
      const state = this.history.get(topic);
      if (state?.since !== undefined) {
        state.since = Math.max(state.since, sequence);
      }
    }
  }

  private deliver(envelope: LoggedEnvelope, order?: number): void {
    this.history.append(envelope, order);
    this.services.node.deliver(envelope);
  }

  /** Makes up what was published while nothing arrived, and goes on with what has arrived since. */
  private async makeUp(held: HeldArrivals): Promise<void> {
    const mark = await this.services.sync();
    await held.until(mark);
    if (this.held !== held) {
      return;
    }
    const excerpt = await this.readUpTo(mark);
    if (this.held !== held) {
      return;
    }
    // First: nobody shall get what came after a hole before hearing of the hole.
    this.reportLost(excerpt.incomplete);
    for (const { topic, message, sender, count, sequence = 0 } of excerpt.envelopes) {
      this.takeMessage(topic, { tag: sender, count, sequence, message, epoch: mark.epoch, term: '' });
    }
    this.take({ mark });
    if (!held.hasOverflowed) {
      this.held = undefined;
      this.lostAt = undefined;
      held.from(mark).forEach((arrival) => this.take(arrival));
    }
  }

  /** What this life of the log has on the topics of the node between its position and a mark. */
  private async readUpTo(mark: LogMark): Promise<LogExcerpt> {
    const { epoch, sequence: after } = this.position;
    if (mark.epoch !== epoch) {
      return { envelopes: [], incomplete: [] };
    }
    const ranges = this.history.names().map((topic) => ({ topic, after }));
    return this.reader.read(epoch, ranges, mark.sequence);
  }

  /** Logs that nobody writes to are gone after a while, and with them the trace that there was something. */
  private reportLost(topics: readonly Topic[]): void {
    const { clock, node } = this.services;
    if (this.lostAt !== undefined && clock.now() - this.lostAt >= this.options.retention) {
      node.gap?.('all');
    } else if (topics.length > 0) {
      node.gap?.(topics);
    }
  }

  /** Nothing of an earlier life of the log can be continued in a new one. */
  private enter(epoch: string, sequence: number): void {
    const { position } = this;
    if (position.epoch === epoch) {
      return;
    }
    const isFirst = position.epoch === '';
    position.begin(epoch, sequence);
    this.history.forget(sequence);
    if (!isFirst) {
      this.trace.warn('the log in Redis has begun anew: what was published before is gone');
      this.services.node.gap?.('all');
      this.services.begunAnew();
    }
  }

  private async beginNewLife(epoch: string): Promise<void> {
    const { redis, sync } = this.services;
    try {
      await redis.run(NEW_LIFE, [redis.keys.epoch], [epoch, this.position.nextEpoch]);
      await sync();
    } catch (error) {
      this.trace.warn(`the log could not be begun anew: ${toError(error).message}`);
    }
  }
}
