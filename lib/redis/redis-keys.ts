import type { Topic } from '../messaging/topics.js';

/**
 * Names of everything that an application keeps in Redis. They share a hash tag, so that a cluster has them on one node:
 * scripts may use them together, and there is one order for all messages.
 */
export class RedisKeys {
  private readonly root: string;
  private readonly topicChannels: string;

  constructor(prefix: string) {
    this.root = `{${prefix}}:`;
    this.topicChannels = `${this.root}topic:`;
  }

  /** Name of the life of the log: another one means that the past is gone. */
  get epoch(): string {
    return `${this.root}epoch`;
  }

  /** How many messages have been published in all. */
  get sequence(): string {
    return `${this.root}sequence`;
  }

  /** The terms of the log, the last one at the end; see `TERM`. */
  get terms(): string {
    return `${this.root}terms`;
  }

  /** The last messages of a topic. */
  log(topic: Topic): string {
    return `${this.root}log:${topic}`;
  }

  /** How many messages of a sender have been accepted. */
  accepted(sender: string): string {
    return `${this.root}accepted:${sender}`;
  }

  /** Channel of a topic. */
  channel(topic: Topic): string {
    return this.topicChannels + topic;
  }

  /** The topic of a channel; undefined if it is another kind of channel. */
  topicOf(channel: string): Topic | undefined {
    return channel.startsWith(this.topicChannels) ? channel.slice(this.topicChannels.length) : undefined;
  }

  /** Channel of what one node tells another. */
  nodeChannel(nodeId: string): string {
    return `${this.root}node:${nodeId}`;
  }

  /** What the channels of nodes begin with. */
  get nodeChannels(): string {
    return this.nodeChannel('');
  }

  /** Channel of users who come and go. */
  get presenceChannel(): string {
    return `${this.root}presence`;
  }

  /** There for as long as a node gives signs of life. */
  lease(nodeId: string): string {
    return `${this.root}lease:${nodeId}`;
  }

  /** What leases begin with. */
  get leases(): string {
    return this.lease('');
  }

  /** Ids of all nodes whose connections are in the directory. */
  get nodes(): string {
    return `${this.root}nodes`;
  }

  /** Held by the node that clears up after another. */
  reaping(nodeId: string): string {
    return `${this.root}reaping:${nodeId}`;
  }

  /** What the keys of the directory begin with. */
  get directory(): string {
    return `${this.root}directory:`;
  }
}
