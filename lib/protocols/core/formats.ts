import type { PollSequenceFormat } from '../../transports/poll-sequence.js';
import type { StreamFormat } from '../../transports/stream-channel.js';
import { NO_CACHE, PLAIN_TEXT } from './answers.js';

/**
 * One event, a `data: ` for each line; clients take nothing else, and no other ends of lines (signalr-core §2.3). Browsers
 * take a single CR for the end of a line as well, and would lose what follows it.
 */
const sseEvent = (data: string): string =>
  `${data
    .split(/\r\n|\n|\r/)
    .map((line) => `data: ${line}\r\n`)
    .join('')}\r\n`;

/** Server-sent events. The first comment makes browsers and proxies open the stream. */
export const eventStreamFormat: StreamFormat = {
  headers: {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache,no-store',
    Pragma: 'no-cache',
    // Keeps compression away, which would hold events back.
    'Content-Encoding': 'identity',
    'X-Accel-Buffering': 'no',
  },
  prologue: ':\r\n',
  frame: sseEvent,
  keepAlive: sseEvent,
};

/** Polls (signalr-core §2.4). */
export const pollFormat: PollSequenceFormat = {
  content: { ...NO_CACHE, 'Content-Type': 'application/octet-stream' },
  empty: { ...NO_CACHE, ...PLAIN_TEXT },
};
