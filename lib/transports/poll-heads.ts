import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';

/** A poll that may have been answered meanwhile. */
interface Pending {
  /** Sends the head, unless it has left. */
  sendHead(): void;
}

/** How long, in milliseconds, the head of a poll waits for the answer. */
const PATIENCE = 10;

const logger = traceSource('SignalR.Transports.LongPollingTransport');

let waiting: Pending[] = [];

/**
 * Sends the head of a poll ahead of its answer, unless the answer comes in a few milliseconds: then they leave in one write,
 * which is half of what a poll costs. One timer serves all polls.
 */
export function sendHeadSoon(poll: Pending): void {
  if (waiting.push(poll) === 1) {
    setTimeout(sendAll, PATIENCE);
  }
}

function sendAll(): void {
  const pending = waiting;
  waiting = [];
  for (const poll of pending) {
    try {
      poll.sendHead();
    } catch (error) {
      // What middleware has put around a response may fail: nobody waits for this, and the process must live on.
      logger.error('the head of a poll could not be sent', toError(error).stack);
    }
  }
}
