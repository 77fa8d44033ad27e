import { CORE_TRANSPORTS } from '../../common/core-option-defaults.js';
import type { CoreTransport, TransferFormat } from '../../common/core-options.js';
import type { Redirection } from '../../common/options.js';
import type { HttpAnswer } from '../../transports/http.js';
import type { QueryValues } from '../../transports/query.js';
import type { CoreApplication } from './application.js';
import type { CoreTokens } from './tokens.js';

const HIGHEST_VERSION = 1;
const INT32 = 0x7fff_ffff;

const TRANSFER_FORMATS: Readonly<Record<CoreTransport, readonly TransferFormat[]>> = {
  WebSockets: ['Text', 'Binary'],
  ServerSentEvents: ['Text'],
  LongPolling: ['Text', 'Binary'],
};

/** Answers a negotiation; nothing is kept of it (signalr-core §1.2, §1.3). @param now wall clock in milliseconds. */
export function negotiate(
  query: QueryValues,
  { options, transferFormats, allowStatefulReconnects }: CoreApplication,
  tokens: CoreTokens,
  now: number,
): HttpAnswer {
  const requested = parseVersion(query.get('negotiateVersion'));
  if (requested === undefined) {
    return json({ error: 'The client requested a non-integer protocol version.' });
  }
  if (requested < options.minimumProtocolVersion) {
    return json({
      error: `The client requested version '${requested}', but the server does not support this version.`,
    });
  }
  const version = requested >= HIGHEST_VERSION ? 1 : 0;
  const isStateful =
    allowStatefulReconnects && query.get('useStatefulReconnect')?.trim().toLowerCase() === 'true';
  const { connectionId, token } = tokens.issue(version, now, isStateful);
  return json({
    ...(isStateful && { useStatefulReconnect: true }),
    negotiateVersion: version,
    connectionId,
    ...(version === 1 && { connectionToken: token }),
    availableTransports: CORE_TRANSPORTS.filter((transport) => options.transports.includes(transport)).map(
      (transport) => ({
        transport,
        transferFormats: TRANSFER_FORMATS[transport].filter((format) => transferFormats.includes(format)),
      }),
    ),
  });
}

/** Sends the client to another server (signalr-core §1.4). */
export function redirectTo({ url, accessToken }: Redirection): HttpAnswer {
  return json({ url, accessToken, availableTransports: [] });
}

function parseVersion(text: string | undefined): number | undefined {
  if (text === undefined) {
    return 0;
  }
  const version = /^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : Number.NaN;
  return version <= INT32 && version >= -INT32 - 1 ? version : undefined;
}

/** An answer as JSON, as negotiation has it. */
export function json(body: object, status = 200): HttpAnswer {
  return { status, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}
