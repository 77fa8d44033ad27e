/** What all nodes know of a connection. */
export interface ConnectionEntry {
  readonly connectionId: string;
  readonly nodeId: string;
  readonly protocol: 'classic' | 'core';
  /** Canonical names of the hubs it receives calls of. */
  readonly hubs: readonly string[];
  /** Path of the persistent connection or connection handler that it belongs to. Default: it belongs to hubs. */
  readonly path?: string;
  readonly userId: string | undefined;
  /**
   * True for what only says which node has the requests of a client, because its connection has not begun or has just
   * ended. It is found, but neither listed nor counted.
   */
  readonly isRouteOnly?: true;
}

/** Selects entries; what is left out does not matter. */
export interface ConnectionQuery {
  readonly hub?: string;
  readonly userId?: string;
  /** A group's topic. */
  readonly groupTopic?: string;
}

/** A user of a hub who has come with a first connection, or gone with the last one. */
export interface PresenceChange {
  readonly hub: string;
  readonly userId: string;
  readonly online: boolean;
}

/** Hears of presence changes on all nodes. Must not throw. */
export type PresenceListener = (change: PresenceChange) => void;

/**
 * Who is connected, on all nodes. Nodes report their own connections; a node that dies takes its entries with it.
 */
export interface ConnectionDirectory {
  /** Takes in a connection, or what has changed of one. */
  add(entry: ConnectionEntry): void | Promise<void>;
  /**
   * Takes in a connection unless a node that is alive has it already. Of several nodes that claim one at the same time
   * exactly one gets it. A connection of a Core client dies with its node: if that is still known, the entry of the dead node
   * stands.
   *
   * @param former a node that is taken for dead, whatever the directory says. Where nodes can be out of reach and alive, it is told
   * by {@link BackplaneNode.taken}.
   * @returns the entry that stands now.
   */
  claim(entry: ConnectionEntry, former?: string): ConnectionEntry | Promise<ConnectionEntry>;
  /**
   * Takes in a connection that could not be claimed because the directory cannot be asked. Once it can, the connection is this
   * node's unless another one that is alive has it, which is told by {@link BackplaneNode.taken}. Default: nothing, for
   * directories that can always be asked.
   */
  presume?(entry: ConnectionEntry): void;
  remove(connectionId: string): void | Promise<void>;
  joined(connectionId: string, groupTopic: string): void | Promise<void>;
  left(connectionId: string, groupTopic: string): void | Promise<void>;
  find(connectionId: string): ConnectionEntry | undefined | Promise<ConnectionEntry | undefined>;
  list(query: ConnectionQuery): readonly ConnectionEntry[] | Promise<readonly ConnectionEntry[]>;
  count(query: ConnectionQuery): number | Promise<number>;
  /** Topics of the groups that a connection is in. */
  groupsOf(connectionId: string): readonly string[] | Promise<readonly string[]>;
  /** From now on every connection that subscribes to a user's topic belongs into a group. */
  addUserGroup(userTopic: string, groupTopic: string): void | Promise<void>;
  removeUserGroup(userTopic: string, groupTopic: string): void | Promise<void>;
  userGroups(userTopic: string): readonly string[] | Promise<readonly string[]>;
  /**
   * Tells of users who come and go until the returned function is called. Changes may be missed until a subscription that its
   * node asks for afterwards (`Backplane.subscribe`) is in force.
   */
  watch(listener: PresenceListener): () => void;
}
