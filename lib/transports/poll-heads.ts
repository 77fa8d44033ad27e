import type { ServerResponse } from 'node:http';

/** How long, in milliseconds, the head of a poll waits for the answer. */
const PATIENCE = 10;

let waiting: ServerResponse[] = [];

/**
 * Sends the head of a poll ahead of its answer, unless the answer comes in a few milliseconds: then they leave in one write,
 * which is half of what a poll costs. One timer serves all polls.
 */
export function sendHeadSoon(response: ServerResponse): void {
  if (waiting.push(response) === 1) {
    setTimeout(sendAll, PATIENCE);
  }
}

function sendAll(): void {
  const pending = waiting.filter(({ writableEnded, destroyed }) => !writableEnded && !destroyed);
  waiting = [];
  pending.forEach((response) => response.flushHeaders());
}
