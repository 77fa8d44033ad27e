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

/** Answers the negotiations at one url. Nothing is kept of them (signalr-core §1.2, §1.3). */
export class Negotiation {
  /** What the url offers is the same for all clients, so it is written once. */
  private readonly transports: string;

  constructor(
    private readonly application: CoreApplication,
    private readonly tokens: CoreTokens,
  ) {
    const { options, transferFormats } = application;
    this.transports = JSON.stringify(
      CORE_TRANSPORTS.filter((transport) => options.transports.includes(transport)).map((transport) => ({
        transport,
        transferFormats: TRANSFER_FORMATS[transport].filter((format) => transferFormats.includes(format)),
      })),
    );
  }

  /** @param now wall clock in milliseconds. */
  answer(query: QueryValues, now: number): HttpAnswer {
    const { options, allowStatefulReconnects } = this.application;
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
    const { connectionId, token } = this.tokens.issue(version, now, isStateful);
    const stateful = isStateful ? '"useStatefulReconnect":true,' : '';
    const secret = version === 1 ? `"connectionToken":"${token}",` : '';
    const ids = `"negotiateVersion":${version},"connectionId":"${connectionId}",${secret}`;
    return jsonText(`{${stateful}${ids}"availableTransports":${this.transports}}`);
  }
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
  return jsonText(JSON.stringify(body), status);
}

const JSON_HEADERS = { 'Content-Type': 'application/json' };

function jsonText(body: string, status = 200): HttpAnswer {
  return { status, headers: JSON_HEADERS, body };
}
