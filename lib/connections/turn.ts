import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';

/** Something that wants to write once more before the event loop waits for new input. */
export interface Flushable {
  flush(): void;
}

const logger = traceSource('SignalR.Connection');

let waiting: Flushable[] = [];

/**
 * Flushes at the end of this turn of the event loop, after all input that is ready now has been handled. What one turn
 * has to say to a connection therefore leaves in one write; one timer-free callback serves all connections.
 */
export function flushAtEndOfTurn(flushable: Flushable): void {
  if (waiting.push(flushable) === 1) {
    setImmediate(flushAll);
  }
}

function flushAll(): void {
  const ready = waiting;
  waiting = [];
  for (const flushable of ready) {
    try {
      flushable.flush();
    } catch (error) {
      // One connection must never keep the others from their messages, nor end the process.
      logger.error('a connection could not be written to', toError(error).stack);
    }
  }
}
