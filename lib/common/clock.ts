/** Cancels a timer of a {@link Clock}; calling it again does nothing. */
export type CancelTimer = () => void;

/**
 * Where the library takes time from. Tests give a clock that they move by hand, so that no test waits for a time-out.
 *
 * @publicApi
 */
export interface Clock {
  /** Milliseconds on a scale that never goes backwards. */
  now(): number;
  /** Calls `tick` every `interval` milliseconds until cancelled. Never keeps the process alive. */
  every(interval: number, tick: () => void): CancelTimer;
  /** Calls `run` once after `delay` milliseconds unless cancelled before. Never keeps the process alive. */
  after(delay: number, run: () => void): CancelTimer;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  every(interval, tick) {
    const timer = setInterval(tick, interval);
    timer.unref();
    return () => clearInterval(timer);
  },
  after(delay, run) {
    const timer = setTimeout(run, delay);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
