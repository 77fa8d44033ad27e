import type { IncomingMessage, ServerResponse } from 'node:http';

import type { CorsOptions } from '../common/options.js';

/** Everything that clients ask for: long polling of Core clients ends with DELETE (signalr-core §1.12). */
const METHODS = 'GET, POST, DELETE';

const SECOND = 1_000;

/**
 * Lets pages of other origins use hubs. An application that has set the headers itself, with `enableCors` for example,
 * is left alone.
 *
 * @returns true if the request was a preflight, and has been answered.
 */
export function applyCors(request: IncomingMessage, response: ServerResponse, options: CorsOptions): boolean {
  const { origin } = request.headers;
  if (origin === undefined || response.hasHeader('Access-Control-Allow-Origin')) {
    return false;
  }
  const isListed = isListedOrigin(origin, options.origins);
  if (isListed) {
    // With credentials, browsers do not take an asterisk.
    const isForAll = options.origins === '*' && !options.credentials;
    response.setHeader('Access-Control-Allow-Origin', isForAll ? '*' : origin);
    if (options.credentials) {
      response.setHeader('Access-Control-Allow-Credentials', 'true');
    }
  }
  response.appendHeader('Vary', 'Origin');
  const isPreflight =
    request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
  if (isPreflight) {
    answerPreflight(request, response, options, isListed);
  }
  return isPreflight;
}

function answerPreflight(
  request: IncomingMessage,
  response: ServerResponse,
  { maxAge }: CorsOptions,
  isListed: boolean,
): void {
  if (isListed) {
    response.setHeader('Access-Control-Allow-Methods', METHODS);
    const headers = request.headers['access-control-request-headers'];
    if (headers !== undefined) {
      response.setHeader('Access-Control-Allow-Headers', headers);
    }
    response.setHeader('Access-Control-Max-Age', String(Math.floor(maxAge / SECOND)));
  }
  response.statusCode = 204;
  response.end();
}

/** Which origins may open WebSockets: those of `allowedOrigins`, else those of `cors` and the server's own, else all. */
export interface OriginOptions {
  readonly allowedOrigins: readonly string[];
  readonly cors: CorsOptions | false;
}

/** True if pages of this origin may open a WebSocket; requests of programs have no origin (signalr-core §11.1). */
export function isOriginAllowed(
  { headers }: IncomingMessage,
  { allowedOrigins, cors }: OriginOptions,
): boolean {
  const { origin, host } = headers;
  if (origin === undefined) {
    return true;
  }
  if (allowedOrigins.length > 0) {
    return isListedOrigin(origin, allowedOrigins.includes('*') ? '*' : allowedOrigins);
  }
  return cors === false || isListedOrigin(origin, cors.origins) || hostOf(origin) === host?.toLowerCase();
}

function isListedOrigin(origin: string, list: '*' | readonly string[]): boolean {
  return list === '*' || list.some((entry) => entry.toLowerCase() === origin.toLowerCase());
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
