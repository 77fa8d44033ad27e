import type { IncomingMessage } from 'node:http';

import { HubRequest } from '../../transports/hub-request.js';

/** A media type with parameters does not count, nor does a wildcard (signalr-core §1.6). */
export function acceptsEventStream(request: IncomingMessage): boolean {
  return (request.headers.accept ?? '')
    .split(',')
    .some((type) => type.trim().toLowerCase() === 'text/event-stream');
}

/**
 * Browsers cannot set headers on WebSockets and event streams, so clients put their bearer token into the query there
 * (signalr-core §11.2). Guards find it where every other request has it.
 */
export function adoptAccessToken(request: IncomingMessage): void {
  const isStreamOrUpgrade = request.headers.upgrade !== undefined || acceptsEventStream(request);
  if (!isStreamOrUpgrade || request.headers.authorization !== undefined) {
    return;
  }
  const token = new HubRequest(request).query.get('access_token');
  if (token !== undefined && token !== '') {
    request.headers.authorization = `Bearer ${token}`;
  }
}
