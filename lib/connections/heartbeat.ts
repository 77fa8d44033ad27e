import type { CancelTimer, Clock } from '../common/clock.js';
import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';

/** Something that has to look at the clock now and then. */
export type Beat = (now: number) => void;

/** The one timer of the process for keep-alives, time-outs and sweeps, however many connections there are. */
export class Heartbeat {
  private readonly logger = traceSource('SignalR.Transports.TransportHeartBeat');
  private readonly beats: Beat[] = [];
  private cancel: CancelTimer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly interval: number,
  ) {}

  /** Adds what is to be called on every beat, before {@link start}. */
  onBeat(beat: Beat): void {
    this.beats.push(beat);
  }

  start(): void {
    this.cancel ??= this.clock.every(this.interval, () => {
      const now = this.clock.now();
      for (const beat of this.beats) {
        this.run(beat, now);
      }
    });
  }

  private run(beat: Beat, now: number): void {
    try {
      beat(now);
    } catch (error) {
      // A timer that throws ends the process.
      this.logger.error('the heartbeat failed', toError(error).stack);
    }
  }

  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
  }
}
