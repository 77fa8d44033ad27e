/** What all nodes know of a connection. */
export interface ConnectionEntry {
  readonly connectionId: string;
  readonly nodeId: string;
  readonly protocol: 'classic' | 'core';
  /** Canonical names of the hubs it receives calls of. */
  readonly hubs: readonly string[];
  readonly userId: string | undefined;
}

/** Selects entries; what is left out does not matter. */
export interface ConnectionQuery {
  readonly hub?: string;
  readonly userId?: string;
  /** A group's topic. */
  readonly groupTopic?: string;
}

/**
 * Who is connected, on all nodes. Nodes report their own connections; a node that dies takes its entries with it.
 */
export interface ConnectionDirectory {
  add(entry: ConnectionEntry): void | Promise<void>;
  remove(connectionId: string): void | Promise<void>;
  joined(connectionId: string, groupTopic: string): void | Promise<void>;
  left(connectionId: string, groupTopic: string): void | Promise<void>;
  find(connectionId: string): ConnectionEntry | undefined | Promise<ConnectionEntry | undefined>;
  list(query: ConnectionQuery): readonly ConnectionEntry[] | Promise<readonly ConnectionEntry[]>;
  count(query: ConnectionQuery): number | Promise<number>;
}
