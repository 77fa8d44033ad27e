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

/** An exact path as it was configured, however a client or a proxy has spelled and escaped it. */
function nameOf(path: string): string {
  const readable = path.includes('%') ? withoutEscapes(path) : path;
  return (readable.endsWith('/') ? readable.slice(0, -1) : readable).toLowerCase();
}

/** An escaped slash stays what it is: no slash. */
function withoutEscapes(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

/** By whole segments: `/signalrx` does not lie under `/signalr` (signalr-2 §1.1). */
function liesUnder(path: string, base: string): boolean {
  return path.startsWith(base) && (path.length === base.length || path.charAt(base.length) === '/');
}
