import { randomUUID } from 'node:crypto';

import type { ServerOptions } from '../common/options.js';
import { all, andThen, isThenable } from '../common/promises.js';
import { traceSource } from '../common/trace.js';
import type { Acknowledgement, Backplane, BackplaneNode, SkipReason } from '../messaging/backplane.js';
import type { ConnectionEntry } from '../messaging/connection-directory.js';
import type { Envelope } from '../messaging/envelope.js';
import type { NodeCommand } from '../messaging/node-command.js';
import type { NodeNote } from '../messaging/node-note.js';
import { connectionTopic, type Topic, userTopic } from '../messaging/topics.js';
import type { Connection } from './connection.js';
import { ConnectionRoutes, entryOf } from './connection-routes.js';
import { Relays } from './relay/relays.js';

/**
 * The connections of this process and what they are subscribed to: the end of the backplane where messages meet
 * connections. The backplane is told only of the first and the last subscriber of a topic.
 */
export class ConnectionRegistry implements BackplaneNode {
  readonly id = randomUUID();
  servesClients = true;
  /** Told of connections whose node died. Must not throw. */
  onOrphaned: ((entry: ConnectionEntry) => void) | undefined;
  /** Told of what other nodes have sent and this one passes over. Must not throw. */
  onSkipped: ((reason: SkipReason) => void) | undefined;
  private readonly logger = traceSource('SignalR.Connection');
  private readonly connections = new Map<string, Connection>();
  /** A single subscriber stands for itself: every connection has topics of its own, and a Set for each adds up. */
  private readonly subscribers = new Map<Topic, Connection | Set<Connection>>();
  /** Subscriptions that the backplane has not confirmed yet. */
  private readonly beginning = new Map<Topic, Promise<void>>();
  private readonly takenEarly: ((connectionId: string) => void)[] = [];

  /** Which node has which connection. */
  readonly routes: ConnectionRoutes;
  /** Requests that this node serves for others, and others for it. */
  readonly relays: Relays;

  constructor(
    private readonly backplane: Backplane,
    options: Pick<ServerOptions, 'relay' | 'clock'>,
  ) {
    this.routes = new ConnectionRoutes(this.id, backplane.directory);
    this.relays = new Relays(this.id, backplane, options.relay, options.clock);
  }

  /** How many connections this process has. */
  get size(): number {
    return this.connections.size;
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.connections.values();
  }

  get(connectionId: string): Connection | undefined {
    return this.connections.get(connectionId);
  }

  /** Takes in a connection with its first topics. Messages reach it from the moment this returns (or resolves). */
  add(connection: Connection, topics: readonly Topic[]): void | Promise<void> {
    this.connections.set(connection.id, connection);
    if (this.logger.isDebug) {
      this.logger.debug(`connection ${connection.id} has come`);
    }
    this.announce(connection);
    const own = this.subscribe(connection, connectionTopic(connection.id));
    const others = topics.map((topic) => this.subscribe(connection, topic));
    return andThen(all([own, ...others]), () => undefined);
  }

  /** Tells all nodes who a connection is: when it has come, and when that has changed. */
  announce(connection: Connection): void {
    this.background(this.backplane.directory.add(entryOf(connection, this.id)));
  }

  /** Makes a connection a member of the groups that its user is in. */
  joinUserGroups(connection: Connection): void | Promise<void> {
    const { userId } = connection;
    return userId === undefined || userId === '' ? undefined : this.joinGroupsOf(userId, connection);
  }

  private async joinGroupsOf(userId: string, connection: Connection): Promise<void> {
    const { hubNames } = connection;
    for (const hub of hubNames) {
      const topics = this.backplane.directory.userGroups(userTopic(hub, userId));
      for (const topic of isThenable(topics) ? await topics : topics) {
        await connection.joinGroup(topic);
      }
    }
  }

  /** Another node takes a connection over; it is told by the directory. See {@link giveUp}. */
  handOver(connection: Connection, nodeId: string): void {
    if (this.giveUp(connection)) {
      this.routes.handOver(connection, nodeId);
    }
  }

  /**
   * Another node has a connection, and the directory knows. It stays subscribed until {@link remove}, so that nothing is lost
   * before the other node has subscribed as well.
   *
   * @returns false if it was none of this node's.
   */
  giveUp(connection: Connection): boolean {
    if (this.connections.get(connection.id) !== connection) {
      return false;
    }
    this.connections.delete(connection.id);
    this.logger.debug(`connection ${connection.id} has moved to another node`);
    return true;
  }

  /** Forgets a connection and everything it was subscribed to. */
  remove(connection: Connection): void {
    for (const topic of connection.topics) {
      this.unsubscribe(connection, topic);
    }
    // A classic client may have returned under its id while hubs were told that it was gone.
    if (this.connections.get(connection.id) === connection) {
      this.connections.delete(connection.id);
      this.logger.debug(`connection ${connection.id} has gone`);
      this.background(this.backplane.directory.remove(connection.id));
    }
  }

  subscribe(connection: Connection, topic: Topic): void | Promise<void> {
    if (connection.topics.has(topic)) {
      return this.beginning.get(topic);
    }
    connection.topics.add(topic);
    const present = this.subscribers.get(topic);
    if (present === undefined) {
      this.subscribers.set(topic, connection);
      return this.begin(topic);
    }
    if (present instanceof Set) {
      present.add(connection);
    } else {
      this.subscribers.set(topic, new Set([present, connection]));
    }
    // Who comes second has to wait as long as the first one.
    return this.beginning.get(topic);
  }

  /** Waits for what a connection has subscribed to and the backplane has not confirmed yet. */
  whenSubscribed(connection: Connection): void | Promise<void> {
    if (this.beginning.size === 0) {
      return undefined;
    }
    const waiting = [...connection.topics].map((topic) => this.beginning.get(topic));
    return andThen(all(waiting), () => undefined);
  }

  private begin(topic: Topic): void | Promise<void> {
    const subscribed = this.backplane.subscribe(topic);
    if (isThenable(subscribed)) {
      this.beginning.set(topic, subscribed);
      const settled = (): void => {
        if (this.beginning.get(topic) === subscribed) {
          this.beginning.delete(topic);
        }
      };
      subscribed.then(settled, settled);
    }
    return subscribed;
  }

  unsubscribe(connection: Connection, topic: Topic): void {
    if (!connection.topics.delete(topic)) {
      return;
    }
    const present = this.subscribers.get(topic);
    if (present instanceof Set && present.size > 1) {
      present.delete(connection);
      return;
    }
    this.subscribers.delete(topic);
    this.background(this.backplane.unsubscribe(topic));
  }

  join(connection: Connection, groupTopic: Topic): void | Promise<void> {
    this.background(this.backplane.directory.joined(connection.id, groupTopic));
    return this.subscribe(connection, groupTopic);
  }

  leave(connection: Connection, groupTopic: Topic): void {
    this.background(this.backplane.directory.left(connection.id, groupTopic));
    this.unsubscribe(connection, groupTopic);
  }

  deliver(envelope: Envelope): void {
    const present = this.subscribers.get(envelope.topic);
    if (present === undefined) {
      return;
    }
    if (!(present instanceof Set)) {
      this.deliverTo(present, envelope);
      return;
    }
    for (const connection of present) {
      this.deliverTo(connection, envelope);
    }
  }

  hear(note: NodeNote, from: string): void {
    this.relays.hear(note, from);
  }

  missed(from?: string): void {
    this.relays.missed(from);
  }

  execute(command: NodeCommand): Acknowledgement | false | Promise<Acknowledgement | false> {
    const connection = this.connections.get(command.connectionId);
    if (connection === undefined || connection.ended) {
      return false;
    }
    switch (command.type) {
      case 'addToGroup': {
        const joined = connection.joinGroup(command.topic);
        return isThenable(joined) ? joined.then(() => true as const) : true;
      }
      case 'removeFromGroup':
        connection.leaveGroup(command.topic);
        return true;
      case 'leftBehind': {
        const told = connection.leftBehind(command.topics);
        return isThenable(told) ? told.then(() => true as const) : true;
      }
      case 'disconnect':
        connection.disconnect(command);
        return true;
      case 'ask':
        return connection.ask(command.call, command.timeout);
    }
  }

  gap(topics: readonly Topic[] | 'all'): void {
    const concerned =
      topics === 'all' ? new Set(this) : new Set(topics.flatMap((topic) => this.subscribersOf(topic)));
    if (concerned.size === 0) {
      return;
    }
    this.logger.warn(`messages may have been lost: ${concerned.size} connection(s) have to begin anew`);
    for (const connection of concerned) {
      connection.messagesLost();
    }
  }

  taken(connectionId: string): void {
    const connection = this.connections.get(connectionId);
    if (connection === undefined) {
      this.takenEarly.forEach((listener) => listener(connectionId));
    } else {
      connection.takenAway();
    }
  }

  /** Says who is to hear of connections that another node has, and that have not been added here yet. */
  onTakenEarly(listener: (connectionId: string) => void): void {
    this.takenEarly.push(listener);
  }

  orphaned(entry: ConnectionEntry): void {
    this.onOrphaned?.(entry);
  }

  skipped(reason: SkipReason): void {
    this.onSkipped?.(reason);
  }

  userGroupsBack(): void {
    for (const connection of this) {
      this.background(this.joinUserGroups(connection));
    }
  }

  private subscribersOf(topic: Topic): readonly Connection[] {
    const present = this.subscribers.get(topic);
    return present instanceof Set ? [...present] : present === undefined ? [] : [present];
  }

  private deliverTo(connection: Connection, envelope: Envelope): void {
    try {
      connection.deliver(envelope);
    } catch (error) {
      // One receiver must never keep the others from their message.
      this.logger.error(`a message could not be handed to connection ${connection.id}`, error);
    }
  }

  /** For what the caller cannot wait for: a failure is logged, never lost. */
  private background(work: void | Promise<void>): void {
    if (isThenable(work)) {
      work.then(undefined, (error: unknown) => this.logger.error('the backplane failed', error));
    }
  }
}
