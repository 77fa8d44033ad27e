import type {
  ConnectionDirectory,
  ConnectionEntry,
  ConnectionQuery,
  PresenceListener,
} from './connection-directory.js';
import type { Topic } from './topics.js';

const NONE: readonly Topic[] = [];

/** The connections of all nodes of this process. */
export class MemoryDirectory implements ConnectionDirectory {
  private readonly entries = new Map<string, ConnectionEntry>();
  private readonly members = new Map<string, Set<string>>();
  private readonly groups = new Map<string, Set<string>>();
  private readonly groupsOfUsers = new Map<Topic, Set<Topic>>();
  /** How many connections each user has to each hub, by hub. */
  private readonly presence = new Map<string, Map<string, number>>();
  private readonly listeners = new Set<PresenceListener>();

  add(entry: ConnectionEntry): void {
    const former = this.entries.get(entry.connectionId);
    this.entries.set(entry.connectionId, entry);
    // What stays the same must not look as if it went and came.
    this.countPresence(entry, 1);
    this.countPresence(former, -1);
  }

  claim(entry: ConnectionEntry, former?: string): ConnectionEntry {
    const standing = this.entries.get(entry.connectionId);
    if (standing !== undefined && standing.nodeId !== former) {
      return standing;
    }
    this.remove(entry.connectionId);
    this.add(entry);
    return entry;
  }

  /** Forgets what a node has reported that is no more. */
  removeNode(nodeId: string): void {
    for (const entry of this.entries.values()) {
      if (entry.nodeId === nodeId) {
        this.remove(entry.connectionId);
      }
    }
  }

  remove(connectionId: string): void {
    const entry = this.entries.get(connectionId);
    this.entries.delete(connectionId);
    this.countPresence(entry, -1);
    for (const groupTopic of this.groups.get(connectionId) ?? []) {
      removeFrom(this.members, groupTopic, connectionId);
    }
    this.groups.delete(connectionId);
  }

  joined(connectionId: string, groupTopic: string): void {
    addTo(this.members, groupTopic, connectionId);
    addTo(this.groups, connectionId, groupTopic);
  }

  left(connectionId: string, groupTopic: string): void {
    removeFrom(this.members, groupTopic, connectionId);
    removeFrom(this.groups, connectionId, groupTopic);
  }

  find(connectionId: string): ConnectionEntry | undefined {
    return this.entries.get(connectionId);
  }

  list(query: ConnectionQuery): readonly ConnectionEntry[] {
    return [...this.matches(query)];
  }

  count(query: ConnectionQuery): number {
    let count = 0;
    for (const _ of this.matches(query)) {
      count++;
    }
    return count;
  }

  groupsOf(connectionId: string): readonly Topic[] {
    return [...(this.groups.get(connectionId) ?? NONE)];
  }

  addUserGroup(userTopic: Topic, groupTopic: Topic): void {
    addTo(this.groupsOfUsers, userTopic, groupTopic);
  }

  removeUserGroup(userTopic: Topic, groupTopic: Topic): void {
    removeFrom(this.groupsOfUsers, userTopic, groupTopic);
  }

  userGroups(userTopic: Topic): readonly Topic[] {
    const topics = this.groupsOfUsers.get(userTopic);
    return topics === undefined ? NONE : [...topics];
  }

  watch(listener: PresenceListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private countPresence(entry: ConnectionEntry | undefined, change: 1 | -1): void {
    const { userId, hubs } = entry ?? {};
    if (userId === undefined || userId === '' || hubs === undefined) {
      return;
    }
    for (const hub of hubs) {
      const users = this.presence.get(hub) ?? new Map<string, number>();
      const before = users.get(userId) ?? 0;
      const now = before + change;
      this.presence.set(hub, users);
      if (now > 0) {
        users.set(userId, now);
      } else {
        users.delete(userId);
      }
      if ((before === 0) !== (now === 0)) {
        this.listeners.forEach((listener) => listener({ hub, userId, online: now > 0 }));
      }
    }
  }

  private *matches({ hub, userId, groupTopic }: ConnectionQuery): IterableIterator<ConnectionEntry> {
    for (const entry of this.candidates(groupTopic)) {
      if (
        entry.isRouteOnly !== true &&
        (hub === undefined || entry.hubs.includes(hub)) &&
        (userId === undefined || entry.userId === userId)
      ) {
        yield entry;
      }
    }
  }

  private *candidates(groupTopic: string | undefined): IterableIterator<ConnectionEntry> {
    if (groupTopic === undefined) {
      yield* this.entries.values();
      return;
    }
    for (const connectionId of this.members.get(groupTopic) ?? []) {
      const entry = this.entries.get(connectionId);
      if (entry !== undefined) {
        yield entry;
      }
    }
  }
}

function addTo(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key);
  if (set === undefined) {
    sets.set(key, new Set([value]));
  } else {
    set.add(value);
  }
}

function removeFrom(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key);
  if (set?.delete(value) === true && set.size === 0) {
    sets.delete(key);
  }
}
