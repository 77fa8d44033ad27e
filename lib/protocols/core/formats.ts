import type { PollSequenceFormat } from '../../transports/poll-sequence.js';
import type { StreamFormat } from '../../transports/stream-channel.js';
import { NO_CACHE, PLAIN_TEXT } from './answers.js';

/** One event, a `data: ` for each line; clients take nothing else, and no other ends of lines (signalr-core §2.3). */
const sseEvent = (data: string): string =>
  `${data
    .split('\n')
    .map((line, index, lines) => `data: ${index < lines.length - 1 ? withoutCarriageReturn(line) : line}\r\n`)
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

function withoutCarriageReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
