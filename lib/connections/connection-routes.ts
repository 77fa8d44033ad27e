import { isBackplaneDown, toError } from '../common/errors.js';
import { andThen, isThenable, recover } from '../common/promises.js';
import { traceSource } from '../common/trace.js';
import type { ConnectionDirectory, ConnectionEntry } from '../messaging/connection-directory.js';
import type { Connection, ProtocolFamily } from './connection.js';

/** What all nodes are to know of a connection that a node has. */
export function entryOf(
  { id, protocol, hubNames, path, userId }: Connection,
  nodeId: string,
): ConnectionEntry {
  return {
    connectionId: id,
    nodeId,
    protocol,
    hubs: hubNames,
    userId,
    ...(path !== undefined && { path }),
  };
}

/**
 * Which node has which connection, as far as requests are concerned: from the first one that a connection is made for to
 * the last one that may still come. The entry in the directory decides; a connection that hubs know of has a fuller one.
 */
export class ConnectionRoutes {
  private readonly logger = traceSource('SignalR.Connection');

  constructor(
    private readonly nodeId: string,
    private readonly directory: ConnectionDirectory,
  ) {}

  /**
   * Takes a connection that no node has yet, and gives the node that has it otherwise; undefined if that is this one. A
   * backplane that fails must not keep clients out: without it the connection is this node's, until another one turns out to
   * have it.
   *
   * @param former a node that is dead.
   */
  claim(
    connectionId: string,
    protocol: ProtocolFamily,
    former?: string,
  ): string | undefined | Promise<string | undefined> {
    return recover(
      () => this.claimForSure(connectionId, protocol, former),
      (error) => {
        this.report(error);
        this.directory.presume?.(this.entry(connectionId, protocol));
        return undefined;
      },
    );
  }

  /** The same for requests that are worth nothing where the connection is not. Throws or rejects if the directory fails. */
  claimForSure(
    connectionId: string,
    protocol: ProtocolFamily,
    former?: string,
  ): string | undefined | Promise<string | undefined> {
    const claimed = this.directory.claim(this.entry(connectionId, protocol), former);
    return andThen(claimed, ({ nodeId }) => (nodeId === this.nodeId ? undefined : nodeId));
  }

  /** The other node that has a connection; undefined if this one has it, or none. Throws or rejects if the directory fails. */
  ownerOf(connectionId: string): string | undefined | Promise<string | undefined> {
    return andThen(this.directory.find(connectionId), (entry) =>
      entry === undefined || entry.nodeId === this.nodeId ? undefined : entry.nodeId,
    );
  }

  /** Requests of a connection that has gone still come here, so that this node can say so. */
  hold(connectionId: string, protocol: ProtocolFamily): void {
    // Another node may have taken it meanwhile, and then its entry stands.
    const standing = this.directory.claim(this.entry(connectionId, protocol));
    this.background(isThenable(standing) ? standing.then(() => undefined) : undefined);
  }

  /** Gives a connection to the node that has asked for it. */
  handOver(connection: Connection, nodeId: string): void {
    this.background(this.directory.add(entryOf(connection, nodeId)));
  }

  /** No request of the connection is expected any more. */
  forget(connectionId: string): void {
    this.background(this.directory.remove(connectionId));
  }

  private entry(connectionId: string, protocol: ProtocolFamily): ConnectionEntry {
    return { connectionId, nodeId: this.nodeId, protocol, hubs: [], userId: undefined, isRouteOnly: true };
  }

  private background(work: void | Promise<void>): void {
    if (isThenable(work)) {
      work.then(undefined, (error: unknown) => this.report(error));
    }
  }

  private report(error: unknown): void {
    if (isBackplaneDown(error)) {
      // The backplane has said so itself, once and not for every request.
      this.logger.debug('the directory cannot be asked');
    } else {
      this.logger.error('the directory failed', toError(error).stack);
    }
  }
}
