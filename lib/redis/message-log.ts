import type { Replay, ReplayTopic } from '../messaging/backplane.js';
import type { Message } from '../messaging/envelope.js';
import type { Topic } from '../messaging/topics.js';
import type { Publisher } from './publisher.js';

/** What a node learns by a mark on its own channel: everything published before it has arrived. */
export interface LogMark {
  readonly epoch: string;
  /** How many messages have been published in all. */
  readonly sequence: number;
  /** Term of the log; see `TERM`. */
  readonly term: string;
  /** How many of this node's messages have been accepted. */
  readonly accepted: number;
}

/** How one mode carries messages. */
export interface MessageLog {
  /** What waits for Redis. */
  readonly publisher: Publisher;
  /** True while what was missed is not made up yet. */
  readonly isBehind: boolean;
  publish(topic: Topic, message: Message): void | Promise<void>;
  /** The node wants a topic; its channel is about to be subscribed to. */
  open(topic: Topic): void;
  close(topic: Topic): void;
  /** The channels of these topics are subscribed to from now on. Resolves when what follows from that has been done. */
  opened(topics: readonly Topic[]): Promise<void>;
  /** Something was published on the channel of a topic. */
  receive(topic: Topic, payload: string): void;
  /** A mark has arrived on the channel of the node. */
  marked(mark: LogMark): void;
  /** Nothing arrives any more. */
  subscriptionsLost(): void;
  /** All channels are subscribed to again. Resolves when what was missed has been made up, as far as that can be. */
  subscriptionsBack(): Promise<void>;
  /** See {@link Backplane.joinedAt}. */
  joinedAt(topic: Topic, tail: string): string;
  tail(): string;
  replay(topics: readonly ReplayTopic[], after: string): Replay | Promise<Replay>;
}
