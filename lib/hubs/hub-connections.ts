import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import type { Backplane } from '../messaging/backplane.js';
import type { ConnectionEntry, PresenceChange } from '../messaging/connection-directory.js';
import { groupTopic } from '../messaging/topics.js';
import { ignoreGone } from './hub-group-manager.js';

/** Which connections of a hub are meant; what is left out does not matter. */
export interface ConnectionFilter {
  /** Those of one user. */
  readonly userId?: string;
  /** Members of one group. */
  readonly group?: string;
}

/** Whom to disconnect: a connection by its id, or all that a filter selects. */
export type DisconnectTarget = string | ConnectionFilter;

/** Is told of a user who comes or goes. */
export type PresenceHandler = (userId: string) => unknown;

/** How to disconnect. */
export interface DisconnectRequest {
  /** Shown to the client: as the error of the Close message (Core), as a fatal error (classic). Default: none. */
  readonly reason?: string;
  /**
   * Lets the client come back: Core clients with automatic reconnect do, classic ones go on where they were. Default:
   * false, so that a classic client is refused if it tries.
   */
  readonly allowReconnect?: boolean;
}

/**
 * Who is connected to a hub, on all nodes, beyond what the originals tell.
 *
 * @publicApi
 */
export class HubConnections {
  private readonly logger = traceSource('SignalR.Connection');

  /** @internal */
  constructor(
    private readonly hub: string,
    private readonly backplane: Backplane,
    private readonly timeout: number,
  ) {}

  /** The connections of the hub, of a user, of a group. */
  async list(filter: ConnectionFilter = {}): Promise<readonly ConnectionEntry[]> {
    return this.backplane.directory.list(this.queryOf(filter));
  }

  /** How many connections the hub, a user or a group has. */
  async count(filter: ConnectionFilter = {}): Promise<number> {
    return this.backplane.directory.count(this.queryOf(filter));
  }

  /** The groups of this hub that a connection is in; none for one that is not connected. */
  async groupsOf(connectionId: string): Promise<string[]> {
    const prefix = groupTopic(this.hub, '');
    const topics = await this.backplane.directory.groupsOf(connectionId);
    return topics.filter((topic) => topic.startsWith(prefix)).map((topic) => topic.slice(prefix.length));
  }

  /** True if a user has a connection to the hub. */
  async isOnline(userId: string): Promise<boolean> {
    return (await this.count({ userId })) > 0;
  }

  /**
   * Ends connections from the server's side; `onDisconnected(false)` runs for each.
   *
   * @returns how many there were. A connection that is unknown is none.
   */
  async disconnect(
    target: DisconnectTarget,
    { reason, allowReconnect = false }: DisconnectRequest = {},
  ): Promise<number> {
    const entries = await this.select(target);
    await Promise.all(
      entries.map(({ connectionId }) =>
        this.backplane
          .command(
            { type: 'disconnect', connectionId, allowReconnect, ...(reason !== undefined && { reason }) },
            this.timeout,
          )
          .catch(ignoreGone),
      ),
    );
    return entries.length;
  }

  /**
   * Calls a listener for each user who comes with a first connection to the hub, on whatever node.
   *
   * @returns what ends it. A throw of the listener is logged.
   */
  onUserOnline(listener: PresenceHandler): () => void {
    return this.watch(true, listener);
  }

  /** The same for users whose last connection has ended; a client that only changes its line is not gone. */
  onUserOffline(listener: PresenceHandler): () => void {
    return this.watch(false, listener);
  }

  private watch(wanted: boolean, listener: PresenceHandler): () => void {
    return this.backplane.directory.watch(({ hub, userId, online }: PresenceChange) => {
      if (hub === this.hub && online === wanted) {
        void this.tell(listener, userId);
      }
    });
  }

  /** Whoever comes or goes must not suffer from a listener that fails. */
  private async tell(listener: PresenceHandler, userId: string): Promise<void> {
    try {
      await listener(userId);
    } catch (error) {
      this.logger.error(`a listener for users of ${this.hub} failed`, toError(error).stack);
    }
  }

  private async select(target: DisconnectTarget): Promise<readonly ConnectionEntry[]> {
    if (typeof target !== 'string') {
      return this.list(target);
    }
    const entry = await this.backplane.directory.find(target);
    return entry?.hubs.includes(this.hub) === true ? [entry] : [];
  }

  private queryOf({ userId, group }: ConnectionFilter): Parameters<Backplane['directory']['list']>[0] {
    return {
      hub: this.hub,
      ...(userId !== undefined && { userId }),
      ...(group !== undefined && { groupTopic: groupTopic(this.hub, group) }),
    };
  }
}
