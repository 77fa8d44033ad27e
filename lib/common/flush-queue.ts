import { toError } from './errors.js';
import type { TraceSource } from './trace.js';

/** Something that wants to write once more. */
export interface Flushable {
  flush(): void;
}

/** Gathers what wants to write, so that one callback serves all of it. */
export class FlushQueue {
  private waiting: Flushable[] = [];
  private readonly flushAll = (): void => {
    const ready = this.waiting;
    this.waiting = [];
    for (const flushable of ready) {
      try {
        flushable.flush();
      } catch (error) {
        // One must never keep the others from what they have to write, nor end the process.
        this.logger.error(this.complaint, toError(error).stack);
      }
    }
  };

  /**
   * @param schedule calls back when it is time to flush.
   * @param complaint for the log, if something cannot be flushed.
   */
  constructor(
    private readonly schedule: (flushAll: () => void) => void,
    private readonly logger: TraceSource,
    private readonly complaint: string,
  ) {}

  add(flushable: Flushable): void {
    if (this.waiting.push(flushable) === 1) {
      this.schedule(this.flushAll);
    }
  }
}
