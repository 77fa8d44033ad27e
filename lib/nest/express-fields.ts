import type { IncomingMessage, ServerResponse } from 'node:http';

/** What Express, its router and its body parsers add to a request, and where guards put the user. */
const FIELDS = ['res', 'next', 'baseUrl', 'originalUrl', '_parsedUrl', 'params', 'body', 'user'];

/** An application of Express. Its requests have this prototype. */
export interface ExpressApplication {
  readonly request: object;
}

/**
 * Gives requests the fields that Express adds to them, before Express does.
 *
 * Express replaces the prototype of each request and response. On V8 before that of Node 24, an object whose prototype was
 * replaced gets a hidden class that it shares with no other as soon as a property is added to it, and whatever touches it
 * afterwards, in Node, in Express and here, finds nothing in its caches: a request costs several times as much
 * (docs/performance.md). If the properties are there before, nothing is added. Each gets the value that reading it gives
 * without it.
 */
export class ExpressFields {
  private fields: readonly PropertyKey[];
  private hasLearned = false;

  constructor({ request }: ExpressApplication) {
    // An application may have given all requests one of them by their prototype, and that must not be hidden.
    this.fields = FIELDS.filter((field) => !(field in request));
  }

  addTo(request: IncomingMessage, response: ServerResponse & { locals?: unknown }): void {
    const target = request as unknown as Record<PropertyKey, unknown>;
    for (const field of this.fields) {
      // Whoever came first may have put something there.
      if (!(field in target)) {
        target[field] = undefined;
      }
    }
    // Node's own, which become properties of the object only when they change.
    const { _eventsCount } = target;
    const { statusCode, statusMessage, locals } = response;
    target['_eventsCount'] = _eventsCount;
    response.statusCode = statusCode;
    response.statusMessage = statusMessage;
    response.locals = locals;
    if (!this.hasLearned) {
      this.hasLearned = true;
      response.once('close', () => this.learnFrom(request));
    }
  }

  /** The router keeps what it has matched under a symbol that it shows to nobody. */
  private learnFrom(request: IncomingMessage): void {
    const ofRouter = Object.getOwnPropertySymbols(request).filter(
      ({ description }) => description?.startsWith('router.') === true,
    );
    this.fields = [...this.fields, ...ofRouter];
  }
}
