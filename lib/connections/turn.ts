import { type Flushable, FlushQueue } from '../common/flush-queue.js';
import { traceSource } from '../common/trace.js';

const turn = new FlushQueue(
  (flushAll) => setImmediate(flushAll),
  traceSource('SignalR.Connection'),
  'a connection could not be written to',
);

/**
 * Flushes at the end of this turn of the event loop, after all input that is ready now has been handled. What one turn
 * has to say to a connection therefore leaves in one write; one timer-free callback serves all connections.
 */
export function flushAtEndOfTurn(flushable: Flushable): void {
  turn.add(flushable);
}
