import type { Clock } from '../common/clock.js';
import type { BackplaneNode, Replay, ReplayTopic } from '../messaging/backplane.js';
import type { Message } from '../messaging/envelope.js';
import { MemoryBroker } from '../messaging/memory-broker.js';
import type { Topic } from '../messaging/topics.js';
import type { MessageLog } from './message-log.js';
import {
  Publisher,
  type QueuedMessage,
  type QueueOptions,
  type Receipt,
  type Transmission,
} from './publisher.js';
import type { RedisAccess } from './redis-access.js';
import { decodePublished, encodeWithoutLog } from './wire-format.js';
import type { WireReports } from './wire-reports.js';

/** What the log needs besides. */
export interface PubSubLogServices {
  readonly tag: string;
  readonly node: BackplaneNode;
  readonly redis: RedisAccess;
  readonly reports: WireReports;
  readonly clock: Clock;
}

/**
 * Messages that Redis only hands on. The past is what this node has heard itself and keeps in memory, so cursors of other
 * nodes mean nothing here, and what is published while a node is not listening never reaches it.
 */
export class PubSubLog implements MessageLog, Transmission {
  readonly isRepeatable = false;
  readonly isBehind = false;
  readonly publisher: Publisher;
  private readonly heard: MemoryBroker;

  constructor(
    options: QueueOptions & { readonly bufferSize: number; readonly retention: number },
    private readonly services: PubSubLogServices,
  ) {
    const { bufferSize, retention } = options;
    // A topic that is not listened to any more misses what is said: it must not look as if it were complete.
    this.heard = new MemoryBroker({ bufferSize, retention, maxIdleTopics: 0 });
    this.publisher = new Publisher(services.tag, options, this, services.clock);
  }

  get isOpen(): boolean {
    return this.services.redis.isOpen;
  }

  async transmit({ topic, head, text, count }: QueuedMessage): Promise<Receipt> {
    const { redis } = this.services;
    await redis.publish(redis.keys.channel(topic), encodeWithoutLog(head, text));
    return { accepted: count, taken: true };
  }

  publish(topic: Topic, message: Message): void | Promise<void> {
    const queued = this.publisher.accept(topic, message);
    this.heard.publish(topic, message);
    return this.publisher.submit(queued);
  }

  open(topic: Topic): void {
    this.heard.subscribe(topic, this.services.node);
  }

  close(topic: Topic): void {
    this.heard.unsubscribe(topic, this.services.node, this.services.clock.now());
  }

  opened(): Promise<void> {
    return Promise.resolve();
  }

  receive(topic: Topic, payload: string): void {
    const wire = this.services.reports.attempt(() => decodePublished(payload));
    if (wire !== undefined && wire.tag !== this.services.tag) {
      this.heard.publish(topic, wire.message);
    }
  }

  marked(): void {}

  subscriptionsLost(): void {}

  subscriptionsBack(): Promise<void> {
    return Promise.resolve();
  }

  joinedAt(_topic: Topic, tail: string): string {
    return tail;
  }

  tail(): string {
    return this.heard.tail();
  }

  replay(topics: readonly ReplayTopic[], after: string): Replay {
    return this.heard.replay(topics, after);
  }
}
