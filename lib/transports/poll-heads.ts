import { type Flushable, FlushQueue } from '../common/flush-queue.js';
import { traceSource } from '../common/trace.js';

/** How long, in milliseconds, the head of a poll waits for the answer. */
const PATIENCE = 10;

const heads = new FlushQueue(
  (flushAll) => setTimeout(flushAll, PATIENCE),
  traceSource('SignalR.Transports.LongPollingTransport'),
  'the head of a poll could not be sent',
);

/**
 * Sends the head of a poll ahead of its answer, unless the answer comes in a few milliseconds: then they leave in one write,
 * which is half of what a poll costs. One timer serves all polls.
 *
 * @param poll sends its head when it is flushed, if that has not left by then.
 */
export function sendHeadSoon(poll: Flushable): void {
  heads.add(poll);
}
