import type { CoreTransport } from '../../common/core-options.js';
import type { HttpAnswer } from '../../transports/http.js';

export const PLAIN_TEXT = { 'Content-Type': 'text/plain' };

/** Polls and their errors must come from the server each time (signalr-core §1.11). */
export const NO_CACHE = {
  'Cache-Control': 'no-cache, no-store',
  Pragma: 'no-cache',
  Expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
};

/** The answer that is none: a channel has the socket or the response. */
export const TAKEN: HttpAnswer = { status: 101 };

export const empty = (status: number): HttpAnswer => ({ status, headers: PLAIN_TEXT });

export const text = (status: number, body: string): HttpAnswer => ({ status, headers: PLAIN_TEXT, body });

/** Nobody has such a connection, or its token is none. */
export const NOT_FOUND = text(404, 'No Connection with that ID');

export const unsupported = (transport: CoreTransport): HttpAnswer =>
  text(404, `${transport} transport not supported by this end point type`);

export function notCached(answer: HttpAnswer): HttpAnswer {
  return answer === TAKEN ? TAKEN : { ...answer, headers: { ...answer.headers, ...NO_CACHE } };
}
