import type { Clock } from '../common/clock.js';
import type { Topic } from '../messaging/topics.js';
import type { LogMark } from './message-log.js';
import type { WireMessage } from './wire-format.js';

/** Something that arrives over the subscriptions of a node. */
export type Arrival = { readonly topic: Topic; readonly wire: WireMessage } | { readonly mark: LogMark };

/** How long, in milliseconds, a mark may take to arrive. */
const MARK_DEADLINE = 5_000;

/** What arrives on new subscriptions while the past is still being made up. */
export class HeldArrivals {
  private readonly arrivals: Arrival[] = [];
  private overflowed = false;
  private isOver = false;
  private onArrival: (() => void) | undefined;

  constructor(
    private readonly limit: number,
    private readonly clock: Clock,
  ) {}

  /** True if there was too much to keep in memory. It is in the log as well. */
  get hasOverflowed(): boolean {
    return this.overflowed;
  }

  put(arrival: Arrival): void {
    if (this.arrivals.push(arrival) > this.limit) {
      this.arrivals.length = 0;
      this.overflowed = true;
    }
    this.onArrival?.();
  }

  /** The subscriptions are lost: nothing more will arrive on them. */
  end(): void {
    this.isOver = true;
    this.onArrival?.();
  }

  /** Resolves when a mark has arrived, and with it everything that was published before; also when there is no use in waiting. */
  until(mark: LogMark): Promise<void> {
    if (this.isSettled(mark)) {
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const cancel = this.clock.after(MARK_DEADLINE, () => reject(new Error('no mark has arrived')));
      this.onArrival = () => {
        if (this.isSettled(mark)) {
          this.onArrival = undefined;
          cancel();
          resolve();
        }
      };
    });
  }

  /** What has arrived from a mark on. */
  from(mark: LogMark): readonly Arrival[] {
    return this.arrivals.slice(this.indexOf(mark));
  }

  private isSettled(mark: LogMark): boolean {
    return this.isOver || this.overflowed || this.indexOf(mark) >= 0;
  }

  private indexOf({ epoch, sequence }: LogMark): number {
    return this.arrivals.findIndex(
      (arrival) => 'mark' in arrival && arrival.mark.epoch === epoch && arrival.mark.sequence === sequence,
    );
  }
}
