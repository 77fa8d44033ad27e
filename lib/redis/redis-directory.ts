import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import type {
  ConnectionDirectory,
  ConnectionEntry,
  ConnectionQuery,
  PresenceChange,
  PresenceListener,
} from '../messaging/connection-directory.js';
import type { Topic } from '../messaging/topics.js';
import { ADD, CLAIM, JOIN, LEAVE, REAP, REMOVE, RESTORE } from './directory-scripts.js';
import type { RedisAccess } from './redis-access.js';
import type { Script } from './script.js';
import type { WireReports } from './wire-reports.js';

/** How many entries are read, written or dropped at the same time. */
const CHUNK = 500;

interface OwnConnection {
  entry: ConnectionEntry;
  readonly groups: Set<Topic>;
}

/**
 * Who is connected, in Redis. What this node has reported is kept here as well: while Redis is away nobody waits, and when
 * it is back it is told everything anew.
 */
export class RedisDirectory implements ConnectionDirectory {
  private readonly trace = traceSource('SignalR.MessageBus');
  private readonly own = new Map<string, OwnConnection>();
  private readonly listeners = new Set<PresenceListener>();
  /** True if Redis may not know what this node has reported. */
  private isStale = false;
  /** True if somebody asked for the groups of a user in vain. */
  private owesGroups = false;

  /** Id of this node; known from the start of the backplane on. */
  nodeId = '';

  /**
   * @param onWatched called when the first listener comes and when the last one has gone.
   * @param onGroupsBack called when the groups of users can be told that were asked for in vain.
   * @param onTaken called when another node turns out to have a connection that this one has reported.
   */
  constructor(
    private readonly redis: RedisAccess,
    private readonly reports: WireReports,
    private readonly onWatched: (isWatched: boolean) => void,
    private readonly onGroupsBack: () => void,
    private readonly onTaken: (connectionId: string, nodeId: string) => void,
  ) {}

  add(entry: ConnectionEntry): void | Promise<void> {
    const { connectionId, nodeId } = entry;
    this.keep(entry);
    const args = [connectionId, JSON.stringify(entry), this.nodeId, this.redis.keys.leases];
    return this.write(ADD, args, (taker) => {
      if (taker !== null && nodeId === this.nodeId) {
        this.lose(connectionId, taker as string);
      }
    });
  }

  async claim(entry: ConnectionEntry, former = ''): Promise<ConnectionEntry> {
    const { connectionId, nodeId } = entry;
    const { leases, nodeChannels } = this.redis.keys;
    const args = [connectionId, JSON.stringify(entry), nodeId, leases, former, nodeChannels];
    const standing = JSON.parse(String(await this.run(CLAIM, args))) as ConnectionEntry;
    this.keep(standing);
    return standing;
  }

  presume(entry: ConnectionEntry): void {
    this.keep(entry);
    this.isStale = true;
  }

  remove(connectionId: string): void | Promise<void> {
    this.own.delete(connectionId);
    return this.write(REMOVE, [connectionId, this.nodeId]);
  }

  joined(connectionId: string, groupTopic: Topic): void | Promise<void> {
    this.own.get(connectionId)?.groups.add(groupTopic);
    return this.write(JOIN, [connectionId, groupTopic]);
  }

  left(connectionId: string, groupTopic: Topic): void | Promise<void> {
    this.own.get(connectionId)?.groups.delete(groupTopic);
    return this.write(LEAVE, [connectionId, groupTopic]);
  }

  async find(connectionId: string): Promise<ConnectionEntry | undefined> {
    const own = this.own.get(connectionId);
    if (own !== undefined) {
      return own.entry;
    }
    const text = (await this.send('GET', this.key('entry', connectionId))) as string | null;
    return text === null ? undefined : (JSON.parse(text) as ConnectionEntry);
  }

  async list(query: ConnectionQuery): Promise<readonly ConnectionEntry[]> {
    const ids = (await this.send('SINTER', ...this.setsOf(query))) as readonly string[];
    const entries: ConnectionEntry[] = [];
    for (let begin = 0; begin < ids.length; begin += CHUNK) {
      const keys = ids.slice(begin, begin + CHUNK).map((id) => this.key('entry', id));
      const texts = (await this.send('MGET', ...keys)) as readonly (string | null)[];
      entries.push(...texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as ConnectionEntry])));
    }
    return entries;
  }

  async count(query: ConnectionQuery): Promise<number> {
    const sets = this.setsOf(query);
    return Number(await this.send('SINTERCARD', `${sets.length}`, ...sets));
  }

  async groupsOf(connectionId: string): Promise<readonly Topic[]> {
    const own = this.own.get(connectionId);
    return own === undefined
      ? ((await this.send('SMEMBERS', this.key('groups', connectionId))) as Topic[])
      : [...own.groups];
  }

  async addUserGroup(userTopic: Topic, groupTopic: Topic): Promise<void> {
    await this.send('SADD', this.key('user-groups', userTopic), groupTopic);
  }

  async removeUserGroup(userTopic: Topic, groupTopic: Topic): Promise<void> {
    await this.send('SREM', this.key('user-groups', userTopic), groupTopic);
  }

  /** While Redis is away nobody is kept from connecting: who is in which groups is found out later. */
  async userGroups(userTopic: Topic): Promise<readonly Topic[]> {
    if (!this.redis.isOpen) {
      this.owesGroups = true;
      return [];
    }
    return (await this.send('SMEMBERS', this.key('user-groups', userTopic))) as Topic[];
  }

  watch(listener: PresenceListener): () => void {
    this.listeners.add(listener);
    if (this.listeners.size === 1) {
      this.onWatched(true);
    }
    return () => {
      if (this.listeners.delete(listener) && this.listeners.size === 0) {
        this.onWatched(false);
      }
    };
  }

  /** Something was published on the channel of presence changes. */
  receive(payload: string): void {
    const change = this.reports.attempt(() => JSON.parse(payload) as PresenceChange);
    if (change !== undefined) {
      const { hub, userId, online } = change;
      this.listeners.forEach((listener) => listener({ hub, userId, online }));
    }
  }

  /** Another node is said to have a connection now. It may have come back meanwhile, so that is looked up. */
  async verify(connectionId: string): Promise<void> {
    try {
      await this.restoreOne(connectionId);
    } catch (error) {
      this.failed(error);
    }
  }

  /** What is written from now on may not arrive, or what other nodes say of it has not been heard. */
  lost(): void {
    this.isStale = true;
  }

  /** Brings Redis up to date with what this node has reported, if need be. */
  async restore(): Promise<void> {
    if (this.owesGroups) {
      this.owesGroups = false;
      this.onGroupsBack();
    }
    if (!this.isStale) {
      return;
    }
    this.isStale = false;
    try {
      const known = (await this.send('SMEMBERS', this.key('node', this.nodeId))) as string[];
      const gone = known.filter((id) => !this.own.has(id));
      await inChunks(gone, (id) => this.run(REMOVE, [id, this.nodeId]));
      await inChunks([...this.own.keys()], (id) => this.restoreOne(id));
    } catch (error) {
      this.isStale = true;
      this.trace.debug(`the directory could not be brought up to date: ${toError(error).message}`);
    }
  }

  /** Drops some of what a node has reported that is no more. */
  async reap(nodeId: string): Promise<ConnectionEntry[]> {
    const dropped = (await this.run(REAP, [nodeId, `${CHUNK}`])) as string[];
    return dropped.map((text) => JSON.parse(text) as ConnectionEntry);
  }

  /** Remembers what this node has, or has no more. */
  private keep(entry: ConnectionEntry): void {
    const own = this.own.get(entry.connectionId);
    if (entry.nodeId !== this.nodeId) {
      this.own.delete(entry.connectionId);
    } else if (own === undefined) {
      this.own.set(entry.connectionId, { entry, groups: new Set() });
    } else {
      own.entry = entry;
    }
  }

  private async restoreOne(id: string): Promise<void> {
    const own = this.own.get(id);
    if (own !== undefined) {
      const { leases } = this.redis.keys;
      const args = [id, JSON.stringify(own.entry), this.nodeId, leases, ...own.groups];
      const taker = (await this.run(RESTORE, args)) as string | null;
      if (taker !== null) {
        this.lose(id, taker);
      }
    }
  }

  /** Another node has turned out to have a connection of this one, which may have asked for it more than once. */
  private lose(connectionId: string, taker: string): void {
    if (this.own.delete(connectionId)) {
      this.onTaken(connectionId, taker);
    }
  }

  /**
   * Reports something, if Redis can be reached; otherwise {@link restore} will.
   *
   * @param heard takes what Redis says to it.
   */
  private write(
    script: Script,
    args: readonly string[],
    heard: (reply: unknown) => void = () => undefined,
  ): void | Promise<void> {
    if (!this.redis.isOpen) {
      this.isStale = true;
      return undefined;
    }
    return this.run(script, args).then(heard, (error: unknown) => this.failed(error));
  }

  private failed(error: unknown): void {
    this.isStale = true;
    this.trace.debug(`the directory could not be written: ${toError(error).message}`);
  }

  private run(script: Script, args: readonly string[]): Promise<unknown> {
    const { keys, publishCommand } = this.redis;
    return this.redis.run(script, [keys.directory], [publishCommand, keys.presenceChannel, ...args]);
  }

  private send(command: string, ...args: readonly string[]): Promise<unknown> {
    return this.redis.send([command, ...args]);
  }

  private key(kind: string, name: string): string {
    return `${this.redis.keys.directory}${kind}:${name}`;
  }

  /** The sets that the connections have to be in. */
  private setsOf({ hub, userId, groupTopic }: ConnectionQuery): string[] {
    const sets = [`${this.redis.keys.directory}all`];
    if (groupTopic !== undefined) {
      sets.push(this.key('group', groupTopic));
    }
    if (userId !== undefined) {
      sets.push(this.key('user', userId));
    }
    if (hub !== undefined) {
      sets.push(this.key('hub', hub));
    }
    return sets;
  }
}

async function inChunks(ids: readonly string[], work: (id: string) => Promise<unknown>): Promise<void> {
  for (let begin = 0; begin < ids.length; begin += CHUNK) {
    await Promise.all(ids.slice(begin, begin + CHUNK).map(work));
  }
}
