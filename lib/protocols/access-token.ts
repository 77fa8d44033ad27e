import type { IncomingMessage } from 'node:http';

import type { HubRequest } from '../transports/hub-request.js';

/**
 * Browsers cannot set headers on WebSockets and event streams, so clients put their bearer token into the query there
 * (signalr-core §11.2; classic ones after a redirect, signalr-2 §2.2). Guards find it where every other request has it.
 */
export function adoptAccessToken(request: IncomingMessage, hubRequest: HubRequest): void {
  const { headers } = request;
  if (
    headers.authorization !== undefined ||
    (headers.upgrade === undefined && !acceptsEventStream(request))
  ) {
    return;
  }
  const token = hubRequest.query.get('access_token');
  if (token !== undefined && token !== '') {
    headers.authorization = `Bearer ${token}`;
  }
}

const EVENT_STREAM = 'text/event-stream';

/** A media type with parameters does not count, nor does a wildcard (signalr-core §1.6). */
export function acceptsEventStream({ headers: { accept } }: IncomingMessage): boolean {
  // Shorter than the type is what most requests have: nothing, or a wildcard.
  return (
    accept !== undefined &&
    accept.length >= EVENT_STREAM.length &&
    accept.split(',').some((type) => type.trim().toLowerCase() === EVENT_STREAM)
  );
}
