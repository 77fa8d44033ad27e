import type { Topic } from '../messaging/topics.js';
import type { Cursor } from './cursor.js';
import type { LoggedEnvelope } from './logged-envelope.js';
import { type Delivered, OpenTopic } from './open-topic.js';

/** A topic that a returning connection asks for. */
export interface WantedTopic {
  readonly topic: Topic;
  /** What was published before the connection joined; undefined if it has always been there. */
  readonly since: Cursor | undefined;
}

/**
 * What was said of late on the topics that the node is subscribed to. Connections that return to their node, and every
 * poll is a return, are served from it without asking Redis, and also while Redis is away.
 */
export class LocalHistory {
  private readonly topics = new Map<Topic, OpenTopic>();
  private order = 0;

  constructor(
    private readonly tag: string,
    /** Messages kept per topic. */
    private readonly capacity: number,
  ) {}

  get(topic: Topic): OpenTopic | undefined {
    return this.topics.get(topic);
  }

  open(topic: Topic): OpenTopic {
    const state = new OpenTopic();
    this.topics.set(topic, state);
    return state;
  }

  close(topic: Topic): void {
    this.topics.delete(topic);
  }

  /** Topics whose channels are subscribed to. */
  subscribed(): Topic[] {
    return [...this.topics].filter(([, { isSubscribed }]) => isSubscribed).map(([topic]) => topic);
  }

  /** Topics whose channels are only about to be subscribed to. */
  unsubscribed(): OpenTopic[] {
    return [...this.topics.values()].filter(({ isSubscribed }) => !isSubscribed);
  }

  /** See {@link OpenTopic.madeUp}. */
  madeUp(sequence: number, accepted: number): void {
    for (const state of this.topics.values()) {
      state.madeUp(sequence, accepted);
    }
  }

  /** The place of what the node comes to know next. */
  nextOrder(): number {
    return ++this.order;
  }

  append(envelope: LoggedEnvelope, order = this.nextOrder()): void {
    this.topics.get(envelope.topic)?.append({ order, envelope }, this.capacity, this.tag);
  }

  /** What is missing to somebody, in the order of delivery; undefined if not all of it is here. */
  after(cursor: Cursor, wanted: readonly WantedTopic[]): LoggedEnvelope[] | undefined {
    const found: Delivered[] = [];
    for (const { topic, since } of wanted) {
      const state = this.topics.get(topic);
      if (state?.isCompleteFor(cursor, since) !== true) {
        return undefined;
      }
      found.push(...state.missing(cursor, since));
    }
    return found.sort((left, right) => left.order - right.order).map(({ envelope }) => envelope);
  }

  /** Another life of the log has begun. */
  forget(sequence: number): void {
    for (const state of this.topics.values()) {
      state.forget(sequence);
    }
  }
}
