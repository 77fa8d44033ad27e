import type { IncomingMessage } from 'node:http';

const BEARER = /^bearer +[^.]+\.([^.]+)\.[^.]*$/i;

/**
 * When the authentication of a request expires, in milliseconds of the wall clock: the `exp` (seconds) of its user, or else
 * of the JWT that it carries, which somebody has checked before. Undefined if neither says.
 */
export function expiryOfToken(request: IncomingMessage): number | undefined {
  const { user } = request as { user?: unknown };
  return (secondsOf(user) ?? secondsOf(claimsOf(request.headers.authorization)) ?? NaN) * 1_000 || undefined;
}

function secondsOf(claims: unknown): number | undefined {
  const expiry =
    typeof claims === 'object' && claims !== null ? (claims as { exp?: unknown }).exp : undefined;
  return typeof expiry === 'number' && Number.isFinite(expiry) ? expiry : undefined;
}

function claimsOf(authorization: string | undefined): unknown {
  const payload = BEARER.exec(authorization ?? '')?.[1];
  if (payload === undefined) {
    return undefined;
  }
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString());
  } catch {
    return undefined;
  }
}
