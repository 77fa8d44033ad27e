import type { CancelTimer, Clock } from '../common/clock.js';

interface Timer {
  due: number;
  readonly interval: number | undefined;
  readonly run: () => void;
}

/**
 * A clock that stands still until a test moves it: `SignalRModule.forRoot({ clock })` and `new MemoryBackplane({ clock })`
 * take it. It starts at the time of the machine, which tokens carry.
 *
 * @publicApi
 */
export class FakeClock implements Clock {
  private time = Math.round(performance.now());
  private readonly timers = new Set<Timer>();

  now(): number {
    return this.time;
  }

  every(interval: number, tick: () => void): CancelTimer {
    return this.add({ due: this.time + interval, interval, run: tick });
  }

  after(delay: number, run: () => void): CancelTimer {
    return this.add({ due: this.time + delay, interval: undefined, run });
  }

  /** Moves time forward and runs what falls due, in order; between two steps everything that was started may go on. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    for (let next = this.nextDue(end); next !== undefined; next = this.nextDue(end)) {
      this.time = next.due;
      if (next.interval === undefined) {
        this.timers.delete(next);
      } else {
        next.due += next.interval;
      }
      next.run();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.time = end;
  }

  private add(timer: Timer): CancelTimer {
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  private nextDue(end: number): Timer | undefined {
    return [...this.timers].filter(({ due }) => due <= end).sort((left, right) => left.due - right.due)[0];
  }
}
