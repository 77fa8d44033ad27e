import type { Clock } from '../common/clock.js';
import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import type { BackplaneNode, Replay, ReplayTopic } from '../messaging/backplane.js';
import type { Message } from '../messaging/envelope.js';
import type { Topic } from '../messaging/topics.js';
import { Cursor } from './cursor.js';
import { LocalHistory } from './local-history.js';
import type { LogPosition } from './log-position.js';
import { LogReader } from './log-reader.js';
import { LogIntake } from './log-intake.js';
import { LogReplay, type ReplayingNode } from './log-replay.js';
import { LoggedEnvelope, NOT_DELIVERED } from './logged-envelope.js';
import { MarkWaiters } from './mark-waiters.js';
import type { LogMark, MessageLog } from './message-log.js';
import { MissedArrivals } from './missed-arrivals.js';
import type { OpenTopic } from './open-topic.js';
import { Publisher, type QueuedMessage, type QueueOptions } from './publisher.js';
import type { RedisAccess } from './redis-access.js';
import { StreamTransmission } from './stream-transmission.js';
import { decodePublished } from './wire-format.js';
import type { WireReports } from './wire-reports.js';

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
  /** True while there is a connection on which channels are subscribed to. */
  isListening(): boolean;
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
  private readonly past: LogReplay;
  private readonly intake: LogIntake;
  private readonly missed: MissedArrivals;
  private readonly waiters: MarkWaiters;
  private readonly transmission: StreamTransmission;

  constructor(
    options: StreamLogOptions,
    private readonly services: StreamLogServices,
  ) {
    const { position, node, redis, reports, clock } = services;
    const { bufferSize, retention, maxQueuedMessages } = options;
    const history = new LocalHistory(position.tag, bufferSize);
    const reader = new LogReader(redis, reports);
    const waiters = new MarkWaiters(position, clock);
    const transmission = new StreamTransmission(position, options, redis);
    const sync = (): Promise<LogMark> => services.sync();
    this.position = position;
    this.history = history;
    this.waiters = waiters;
    this.transmission = transmission;
    this.past = new LogReplay(this, redis, reader);
    this.intake = new LogIntake({
      position,
      history,
      transmission,
      waiters,
      node,
      redis,
      sync,
      begunAnew: () => services.begunAnew(),
    });
    this.missed = new MissedArrivals(this.intake, {
      position,
      history,
      reader,
      node,
      clock,
      retention,
      maxHeld: maxQueuedMessages,
      sync,
    });
    this.publisher = new Publisher(position.tag, options, transmission, clock);
  }

  get isBehind(): boolean {
    return this.missed.isBehind;
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
      this.intake.deliver(envelope, order);
    }
    return this.publisher.submit(queued);
  }

  open(topic: Topic): void {
    const state = this.history.open(topic);
    state.sentBefore = this.lastCount;
    if (!this.services.isListening()) {
      this.countOnMakingUp(state);
    }
    const waiting = this.publisher.waitingFor(topic);
    if (waiting.length > 0) {
      this.recall(waiting);
    }
  }

  /** What is missed from here on will be made up together with the rest. */
  private countOnMakingUp(state: OpenTopic): void {
    const { position } = this;
    const { acceptedCount: count } = this.publisher;
    if (count <= position.placed) {
      state.countOnMakingUp(position.sequence, undefined);
    } else {
      state.countOnMakingUp(position.sequence, { sender: position.tag, count, sequence: undefined });
      // Those who are up to date have seen it, or it was not for them.
      position.delivered = Math.max(position.delivered, count);
    }
  }

  /**
   * Nobody here wanted it when it was sent, and Redis does not have it yet: who comes back for it finds it only here, and when
   * it returns from Redis it counts as delivered.
   */
  private recall(waiting: readonly QueuedMessage[]): void {
    const { position, transmission, history } = this;
    const recalled: LoggedEnvelope[] = [];
    for (const { topic, message, count, order } of waiting) {
      let envelope = transmission.unplaced.get(count);
      if (envelope === undefined) {
        envelope = new LoggedEnvelope(topic, message, NOT_DELIVERED, position.tag, count, undefined);
        recalled.push(envelope);
        position.delivered = Math.max(position.delivered, count);
      }
      history.append(envelope, order);
    }
    transmission.recall(recalled);
  }

  close(topic: Topic): void {
    this.history.close(topic);
  }

  async opened(topics: readonly Topic[]): Promise<void> {
    const states = topics.map((topic) => this.history.get(topic)).filter((state) => state !== undefined);
    states.forEach((state) => (state.isSubscribed = true));
    try {
      const mark = await this.catchUp();
      states.forEach((state) => (state.since ??= mark.sequence));
    } catch (error) {
      // They are subscribed to all the same; only what came before is not known.
      this.trace.debug(`no mark after subscribing: ${toError(error).message}`);
    }
  }

  receive(topic: Topic, payload: string): void {
    const wire = this.services.reports.attempt(() => decodePublished(payload));
    if (wire !== undefined) {
      this.missed.put({ topic, wire });
    }
  }

  marked(mark: LogMark): void {
    this.missed.put({ mark });
  }

  subscriptionsLost(): void {
    this.missed.lost();
    this.history.unsubscribed().forEach((state) => this.countOnMakingUp(state));
  }

  subscriptionsBack(): Promise<void> {
    return this.missed.back();
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
}
