import { randomUUID } from 'node:crypto';

import type { ClassicOptions, Redirection } from '../../common/options.js';
import type { HttpAnswer } from '../../transports/http.js';
import { resolveProtocolVersion } from './protocol-version.js';
import type { ClassicRequest } from './request.js';
import type { ClassicTokens } from './tokens.js';

/** How often a client expects a keep-alive at least: twice as seldom as the server sends one (signalr-2 §4.2). */
const KEEP_ALIVE_TOLERANCE = 2;

/** Answers a negotiation; nothing is kept of it (signalr-2 §2.1). The order of the fields is that of the original. */
export function negotiate(
  request: ClassicRequest,
  userName: string,
  basePath: string,
  options: ClassicOptions,
  tokens: ClassicTokens,
): HttpAnswer {
  const connectionId = randomUUID();
  const { keepAlive } = options;
  return json({
    Url: request.pathUnder(basePath).replaceAll('/negotiate', ''),
    ConnectionToken: tokens.issue({ connectionId, userName }),
    ConnectionId: connectionId,
    KeepAliveTimeout: keepAlive === null ? null : seconds(keepAlive * KEEP_ALIVE_TOLERANCE),
    DisconnectTimeout: seconds(options.disconnectTimeout),
    ConnectionTimeout: seconds(options.connectionTimeout),
    TryWebSockets: options.transports.includes('webSockets'),
    ProtocolVersion: resolveProtocolVersion(request.query.get('clientProtocol')),
    TransportConnectTimeout: seconds(options.transportConnectTimeout),
    LongPollDelay: seconds(options.longPollDelay),
  });
}

/** Sends the client to another server (signalr-2 §2.2). */
export function redirectTo(
  { url, accessToken }: Redirection,
  clientProtocol: string | undefined,
): HttpAnswer {
  return json({
    ProtocolVersion: resolveProtocolVersion(clientProtocol),
    RedirectUrl: url,
    AccessToken: accessToken,
  });
}

/** An answer as JSON, with the content type of the original. */
export function json(body: object): HttpAnswer {
  return jsonText(JSON.stringify(body));
}

const JSON_HEADERS = { 'Content-Type': 'application/json; charset=UTF-8' };

/** The same for what is JSON already. */
export function jsonText(body: string): HttpAnswer {
  return { status: 200, headers: JSON_HEADERS, body };
}

const seconds = (milliseconds: number): number => milliseconds / 1000;
