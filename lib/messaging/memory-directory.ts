import type { ConnectionDirectory, ConnectionEntry, ConnectionQuery } from './connection-directory.js';

/** The connections of all nodes of this process. */
export class MemoryDirectory implements ConnectionDirectory {
  private readonly entries = new Map<string, ConnectionEntry>();
  private readonly members = new Map<string, Set<string>>();
  private readonly groups = new Map<string, Set<string>>();

  add(entry: ConnectionEntry): void {
    this.entries.set(entry.connectionId, entry);
  }

  remove(connectionId: string): void {
    this.entries.delete(connectionId);
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

  private *matches({ hub, userId, groupTopic }: ConnectionQuery): IterableIterator<ConnectionEntry> {
    for (const entry of this.candidates(groupTopic)) {
      if (
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
