import type { Clock } from '../common/clock.js';
import { SignalRError } from '../common/errors.js';
import type { LogPosition } from './log-position.js';
import type { LogMark } from './message-log.js';

/** How long, in milliseconds, a mark may take from Redis to the node. */
const DEADLINE = 5_000;

interface Waiter {
  readonly mark: LogMark;
  /** Life of the log when the waiting began. */
  readonly epoch: string;
  readonly go: () => void;
}

/** Those who wait until everything that was published before a mark has arrived. */
export class MarkWaiters {
  private readonly waiters = new Set<Waiter>();

  constructor(
    private readonly position: LogPosition,
    private readonly clock: Clock,
  ) {}

  /** @throws SignalRError SIGNALR_BACKPLANE_DOWN if it does not arrive */
  reached(mark: LogMark): Promise<void> {
    const { epoch } = this.position;
    if (this.isReached(mark, epoch)) {
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const cancel = this.clock.after(DEADLINE, () => {
        this.waiters.delete(waiter);
        reject(SignalRError.of('SIGNALR_BACKPLANE_DOWN', 'redis'));
      });
      const waiter: Waiter = {
        mark,
        epoch,
        go: () => {
          cancel();
          resolve();
        },
      };
      this.waiters.add(waiter);
    });
  }

  /** The position has changed. */
  moved(): void {
    for (const waiter of this.waiters) {
      if (this.isReached(waiter.mark, waiter.epoch)) {
        this.waiters.delete(waiter);
        waiter.go();
      }
    }
  }

  /** In yet another life of the log there is nothing more to wait for. */
  private isReached({ epoch, sequence }: LogMark, epochBefore: string): boolean {
    const { position } = this;
    return position.epoch === epoch ? position.sequence >= sequence : position.epoch !== epochBefore;
  }
}
