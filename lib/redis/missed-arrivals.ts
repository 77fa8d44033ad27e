import type { Clock } from '../common/clock.js';
import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import type { BackplaneNode } from '../messaging/backplane.js';
import type { Topic } from '../messaging/topics.js';
import { type Arrival, HeldArrivals } from './held-arrivals.js';
import type { LocalHistory } from './local-history.js';
import type { LogIntake } from './log-intake.js';
import type { LogPosition } from './log-position.js';
import type { LogExcerpt, LogReader } from './log-reader.js';
import type { LogMark } from './message-log.js';

/** How long, in milliseconds, to wait with the next attempt to make up what was missed. */
const RETRY_PAUSE = 250;

/** What making up needs. */
export interface MissedArrivalsServices {
  readonly position: LogPosition;
  readonly history: LocalHistory;
  readonly reader: LogReader;
  readonly node: BackplaneNode;
  readonly clock: Clock;
  /** How long, in milliseconds, a topic is kept after its last message. */
  readonly retention: number;
  /** How many arrivals may wait meanwhile. */
  readonly maxHeld: number;
  /** Has a mark published; see `SYNC`. */
  sync(): Promise<LogMark>;
}

/** Makes up from the log what the subscriptions of the node have missed, before anything goes on. */
export class MissedArrivals {
  private readonly trace = traceSource('SignalR.MessageBus');
  /** While the past is being made up. */
  private held: HeldArrivals | undefined;
  private lostAt: number | undefined;

  constructor(
    private readonly intake: LogIntake,
    private readonly log: MissedArrivalsServices,
  ) {}

  /** True while something is missing. */
  get isBehind(): boolean {
    return this.held !== undefined;
  }

  /** Something arrives: it is taken in, or waits until its turn has come. */
  put(arrival: Arrival): void {
    if (this.held === undefined) {
      this.intake.take(arrival);
    } else {
      this.held.put(arrival);
    }
  }

  /** Nothing arrives any more. */
  lost(): void {
    this.held?.end();
    this.held = this.hold();
    this.lostAt ??= this.log.clock.now();
  }

  /** Everything is subscribed to again. Resolves when what was missed has been made up, as far as that can be. */
  async back(): Promise<void> {
    let held = (this.held ??= this.hold());
    for (;;) {
      try {
        await this.makeUp(held);
      } catch (error) {
        this.trace.debug(`what was missed cannot be made up yet: ${toError(error).message}`);
        await new Promise<void>((resolve) => this.log.clock.after(RETRY_PAUSE, resolve));
      }
      if (this.held !== held) {
        return;
      }
      held = this.held = this.hold();
    }
  }

  private hold(): HeldArrivals {
    return new HeldArrivals(this.log.maxHeld, this.log.clock);
  }

  /** Makes up what was published while nothing arrived, and goes on with what has arrived since. */
  private async makeUp(held: HeldArrivals): Promise<void> {
    const { history } = this.log;
    // Before the mark: of topics whose subscription begins later, something may be missed after it as well.
    const topics = history.subscribed();
    const mark = await this.log.sync();
    await held.until(mark);
    if (this.held !== held) {
      return;
    }
    const excerpt = await this.readUpTo(mark, topics);
    if (this.held !== held) {
      return;
    }
    // First: nobody shall get what came after a hole before hearing of the hole.
    this.reportLost(excerpt.incomplete);
    for (const { topic, message, sender, count, sequence = 0 } of excerpt.envelopes) {
      this.intake.takeMessage(topic, { tag: sender, count, sequence, message, epoch: mark.epoch, term: '' });
    }
    this.intake.take({ mark });
    history.madeUp(mark.sequence, mark.accepted);
    if (!held.hasOverflowed) {
      this.held = undefined;
      this.lostAt = undefined;
      held.from(mark).forEach((arrival) => this.intake.take(arrival));
    }
  }

  /** What this life of the log has on the topics of the node between its position and a mark. */
  private async readUpTo(mark: LogMark, topics: readonly Topic[]): Promise<LogExcerpt> {
    const { epoch, sequence: after } = this.log.position;
    if (mark.epoch !== epoch) {
      return { envelopes: [], incomplete: [] };
    }
    const ranges = topics.map((topic) => ({ topic, after }));
    return this.log.reader.read(epoch, ranges, mark.sequence);
  }

  /** Logs that nobody writes to are gone after a while, and with them the trace that there was something. */
  private reportLost(topics: readonly Topic[]): void {
    const { clock, node, retention } = this.log;
    if (this.lostAt !== undefined && clock.now() - this.lostAt >= retention) {
      node.gap?.('all');
    } else if (topics.length > 0) {
      node.gap?.(topics);
    }
  }
}
