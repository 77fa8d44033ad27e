import type { IncomingMessage } from 'node:http';

import { HubRequest, type RequestFacts } from '../../transports/hub-request.js';
import { CLASSIC_QUERY, FORM, parseQuery, type QueryValues } from '../../transports/query.js';

/** What a request asks for; chosen by the end of its path (signalr-2 §1.1). */
export type ClassicOperation =
  'proxy' | 'negotiate' | 'ping' | 'start' | 'send' | 'abort' | 'connect' | 'reconnect' | 'poll' | 'receive';

/** By the last segment of the path. */
const OPERATIONS: ReadonlyMap<string, ClassicOperation> = new Map(
  (['negotiate', 'ping', 'start', 'send', 'abort', 'connect', 'reconnect', 'poll'] as const).map((name) => [
    name,
    name,
  ]),
);

/** Names under the base path that classic clients need, so no hub may have them. */
export const RESERVED_NAMES: readonly string[] = ['hubs', 'js', ...OPERATIONS.keys()];

/** A request of a classic client. */
export class ClassicRequest extends HubRequest {
  /** The body, where an operation reads one. */
  body: string | undefined;
  private fields: QueryValues | undefined;
  private asked: ClassicOperation | undefined;

  constructor(request: IncomingMessage | RequestFacts) {
    super(request, CLASSIC_QUERY);
  }

  /** Fields of the body. */
  get form(): QueryValues | undefined {
    return (this.fields ??= this.body === undefined ? undefined : parseQuery(this.body, FORM));
  }

  get operation(): ClassicOperation {
    return (this.asked ??= operationAt(this.path.toLowerCase()));
  }

  /** True for requests that carry messages to the client: everything that is nothing else (signalr-2 §1.1). */
  get isReceive(): boolean {
    const { operation } = this;
    return operation !== 'start' && operation !== 'send' && operation !== 'abort';
  }

  /** The transport that the client names, in lower case. */
  get transportName(): string {
    return (this.query.get('transport') ?? '').toLowerCase();
  }

  /** Under the base path of classic clients, negotiations of Core clients are for hubs that do not exist. */
  get isOfCoreClient(): boolean {
    return this.query.has('negotiateVersion') && !this.query.has('clientProtocol');
  }

  /** A value of the query or, failing that, of the form (signalr-2 §1.3). */
  value(name: string): string | undefined {
    return this.query.get(name) ?? this.form?.get(name);
  }

  /** The path in the spelling of the server: the base path as configured, the rest as the client sent it. */
  pathUnder(basePath: string): string {
    const { path } = this;
    if (path.startsWith(`${basePath}/`)) {
      return path;
    }
    // By segments: the client may have escaped what the server has not.
    const depth = basePath.split('/').length;
    return [basePath, ...path.split('/').slice(depth)].join('/');
  }
}

function operationAt(path: string): ClassicOperation {
  const operation = OPERATIONS.get(path.slice(path.lastIndexOf('/') + 1));
  return operation ?? (/\/(?:hubs|js)\/*$/.test(path) ? 'proxy' : 'receive');
}

/** A request that the reference answers with an unhandled exception, so with 500 (signalr-2 §1.6). */
export class BadClassicRequest extends Error {
  override readonly name = 'BadClassicRequest';
}
