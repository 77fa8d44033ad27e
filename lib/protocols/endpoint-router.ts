import type { Endpoint } from './endpoint.js';

/** Finds the endpoint of a request. Every request of the application asks it, so it does little for those of others. */
export class EndpointRouter {
  private readonly byPath = new Map<string, Endpoint>();
  private readonly bases: (readonly [base: string, endpoint: Endpoint])[] = [];

  /** Exact paths win over everything that lies under a base path, a longer base path over a shorter one. */
  constructor(readonly endpoints: readonly Endpoint[]) {
    for (const endpoint of endpoints) {
      for (const path of endpoint.paths) {
        this.byPath.set(path.toLowerCase(), endpoint);
      }
      if (endpoint.base !== undefined) {
        // Clients write what is not ASCII as escapes.
        this.bases.push([encodeURI(endpoint.base).toLowerCase(), endpoint]);
      }
    }
    this.bases.sort(([left], [right]) => right.length - left.length);
  }

  /** @param url path and query as the client sent them; the path is matched in any case, also with a slash at its end. */
  find(url: string): Endpoint | undefined {
    const path = pathOf(url);
    return this.byPath.get(nameOf(path)) ?? this.findBase(path.toLowerCase());
  }

  private findBase(path: string): Endpoint | undefined {
    return this.bases.find(([base]) => liesUnder(path, base))?.[1];
  }
}

function pathOf(url: string): string {
  const question = url.indexOf('?');
  return question < 0 ? url : url.slice(0, question);
}

/** An exact path as it was configured, however a client or a proxy has spelled it. */
function nameOf(path: string): string {
  const readable = path.includes('%') ? path.replace(ESCAPED_BEYOND_ASCII, unescaped) : path;
  return (readable.endsWith('/') ? readable.slice(0, -1) : readable).toLowerCase();
}

/**
 * Escapes of what is not ASCII, which no client can send otherwise. Those of ASCII stay: the middleware of Express and the
 * rules of proxies look at the path as it was sent, and `/%63hat` must not reach a hub past what stands before `/chat`.
 */
const ESCAPED_BEYOND_ASCII = /(?:%[89a-f][\da-f])+/gi;

function unescaped(escapes: string): string {
  try {
    return decodeURIComponent(escapes);
  } catch {
    return escapes;
  }
}

/** By whole segments: `/signalrx` does not lie under `/signalr` (signalr-2 §1.1). */
function liesUnder(path: string, base: string): boolean {
  return path.startsWith(base) && (path.length === base.length || path.charAt(base.length) === '/');
}
