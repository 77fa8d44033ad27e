import { all, andThen, isThenable } from '../../common/promises.js';
import type { Connection } from '../../connections/connection.js';
import type { Replay } from '../../messaging/backplane.js';
import { connectionTopic, type Topic } from '../../messaging/topics.js';
import type { Dispatcher } from './application.js';
import { type Joined, Membership } from './membership.js';
import type { ClassicServices, Opening } from './opening.js';

/** The session whose subscriptions they are. */
export interface Subscriber extends Connection {
  /** What its client is connected to. */
  readonly dispatcher: Dispatcher;
}

/** What one client hears: its own topic, those of what it is connected to, and the groups that it is in. */
export class Subscriptions {
  private readonly groups = new Membership();
  private beginning: void | Promise<void> = undefined;
  /** Who was subscribed when that was last looked at. */
  private subscribedFor: Pick<Opening, 'dispatcher' | 'userId'> | undefined;

  constructor(
    private readonly subscriber: Subscriber,
    private readonly services: ClassicServices,
  ) {}

  /** Subscribes for a new channel. What has been said before it resolves may be missing, and can be replayed. */
  begin(opening: Opening): void | Promise<void> {
    this.beginning = this.subscribe(opening);
    return this.beginning;
  }

  /** Takes in what another node has saved. */
  restore(groups: readonly Joined[]): void | Promise<void> {
    const { registry } = this.services;
    this.groups.restore(groups);
    this.beginning = andThen(registry.add(this.subscriber, this.ownTopics()), () =>
      andThen(all(this.groupTopics.map((topic) => registry.join(this.subscriber, topic))), () => undefined),
    );
    return this.beginning;
  }

  /** The groups, for another node. */
  save(): Joined[] {
    return this.groups.save();
  }

  /** Resolves when nothing is being subscribed to; rejects if that has failed. */
  get settled(): void | Promise<void> {
    return this.beginning;
  }

  /** The groups that it is in. */
  get groupTopics(): Topic[] {
    return this.groups.topics;
  }

  /** True if the client carries a groups token that is out of date. */
  get isTokenDue(): boolean {
    return this.groups.changed;
  }

  /** A token for the client with all its groups; undefined if it has the latest one. */
  takeToken(): string | undefined {
    if (!this.groups.changed) {
      return undefined;
    }
    this.groups.changed = false;
    return this.services.tokens.issueGroups(this.subscriber.id, this.groups.names());
  }

  join(topic: Topic): void | Promise<void> {
    const { backplane, registry } = this.services;
    const isNew = !this.subscriber.topics.has(topic);
    const tail = backplane.tail();
    this.groups.join(topic, tail);
    const joined = registry.join(this.subscriber, topic);
    return isNew && isThenable(joined)
      ? joined.then(() => this.groups.joinedAt(topic, backplane.joinedAt?.(topic, tail) ?? tail))
      : joined;
  }

  leave(topic: Topic): void {
    this.groups.leave(topic);
    this.services.registry.leave(this.subscriber, topic);
  }

  /** What was said after a cursor, of all that it is subscribed to. */
  missedSince(cursor: string): Replay | Promise<Replay> {
    const topics = [...this.subscriber.topics].map((topic) => this.groups.replayOf(topic));
    return this.services.backplane.replay(topics, cursor);
  }

  private subscribe(opening: Opening): void | Promise<void> {
    const { subscriber } = this;
    const { registry } = this.services;
    if (registry.get(subscriber.id) !== subscriber) {
      return andThen(registry.add(subscriber, []), () => this.subscribeAll(opening));
    }
    if (opening.kind !== 'poll') {
      registry.announce(subscriber);
    } else if (this.hasAllOf(opening)) {
      return registry.whenSubscribed(subscriber);
    }
    return this.subscribeAll(opening);
  }

  /** True for the next poll of a client in no group: nothing has come that it is not subscribed to, and nothing has gone. */
  private hasAllOf({ dispatcher, userId, groups }: Opening): boolean {
    return (
      this.groups.isEmpty &&
      groups.topics.length === 0 &&
      this.subscribedFor?.dispatcher === dispatcher &&
      this.subscribedFor.userId === userId
    );
  }

  private subscribeAll({ kind, groups }: Opening): void | Promise<void> {
    const { subscriber } = this;
    const { registry } = this.services;
    const { dispatcher, userId } = subscriber;
    this.subscribedFor = { dispatcher, userId };
    if (kind === 'connect') {
      this.groups.clear();
    }
    const own = this.ownTopics();
    const rejoined = this.groups.rejoin(groups, (topic) => dispatcher.hasGroup(topic));
    for (const topic of subscriber.topics) {
      if (!own.includes(topic) && !rejoined.includes(topic)) {
        registry.leave(subscriber, topic);
      }
    }
    const subscribed = all([
      ...own.map((topic) => registry.subscribe(subscriber, topic)),
      ...rejoined.map((topic) => registry.join(subscriber, topic)),
    ]);
    return andThen(subscribed, () => (kind === 'poll' ? undefined : registry.joinUserGroups(subscriber)));
  }

  private ownTopics(): Topic[] {
    const { id, dispatcher, userId } = this.subscriber;
    return [connectionTopic(id), ...dispatcher.topicsOf(userId)];
  }
}
