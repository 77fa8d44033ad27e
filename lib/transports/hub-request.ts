import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

import { CORE_QUERY, parseQuery, type QueryRules, type QueryValues } from './query.js';

/** A request as mounted frameworks leave it: `url` may be cut to what follows the mount point. */
interface MountedRequest extends IncomingMessage {
  originalUrl?: string;
  user?: unknown;
}

/** A request that another process has taken. */
export interface RequestFacts {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly remoteAddress?: string | undefined;
  readonly user?: unknown;
}

/**
 * What hub code may know of the HTTP request that opened or carried a call. It is a copy: the request itself is
 * released once it has been answered, so that a connection that lives for hours does not hold it.
 *
 * @publicApi
 */
export class HubRequest {
  /** Path and query as the client sent them. */
  readonly url: string;
  /** Headers by lower-case name. */
  readonly headers: IncomingHttpHeaders;
  /** Address of the peer, as the socket knows it. */
  readonly remoteAddress: string | undefined;
  /** Who the application's middleware or guards say is calling. */
  user: unknown;
  private parsedQuery: QueryValues | undefined;

  constructor(
    request: IncomingMessage | RequestFacts,
    private readonly queryRules: QueryRules = CORE_QUERY,
  ) {
    const facts = 'socket' in request ? factsOf(request) : request;
    this.url = facts.url;
    this.headers = facts.headers;
    this.remoteAddress = facts.remoteAddress;
    this.user = facts.user;
  }

  /** The path without the query. */
  get path(): string {
    const question = this.url.indexOf('?');
    return question < 0 ? this.url : this.url.slice(0, question);
  }

  /** The parameters behind the `?`. */
  get query(): QueryValues {
    return (this.parsedQuery ??= parseQuery(this.url.slice(this.path.length + 1), this.queryRules));
  }
}

function factsOf(request: MountedRequest): RequestFacts {
  const { originalUrl, url, headers, socket, user } = request;
  return { url: originalUrl ?? url ?? '/', headers, remoteAddress: socket.remoteAddress, user };
}
