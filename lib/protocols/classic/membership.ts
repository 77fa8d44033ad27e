import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import type { ReplayTopic } from '../../messaging/backplane.js';
import { groupTopic, qualifiedGroup, type Topic } from '../../messaging/topics.js';

/** The groups of one connection, and what its client has to be told of them. */
export class Membership {
  /** Position at which it joined each group; undefined where that is not known. */
  private readonly joinedAt = new Map<Topic, string | undefined>();
  /** True if the client carries a token that is out of date. */
  changed = false;

  /** @param position where the log stands now. */
  join(topic: Topic, position: string): void {
    if (!this.joinedAt.has(topic)) {
      this.joinedAt.set(topic, position);
      this.changed = true;
    }
  }

  leave(topic: Topic): void {
    this.changed = this.joinedAt.delete(topic) || this.changed;
  }

  /** A fresh connect starts with no groups (signalr-2 §3.3). */
  clear(): void {
    this.joinedAt.clear();
    this.changed = false;
  }

  /**
   * The groups of a client that comes back. What it was a member of when it was last here counts more than the token it
   * brings: a change whose token was lost with the line is known here all the same. A node that does not know it has
   * only the token. Groups of hubs that it no longer lists are dropped.
   */
  rejoin(brought: readonly Topic[], hubs: readonly HubDescriptor[]): Topic[] {
    if (this.joinedAt.size === 0) {
      for (const topic of brought) {
        this.joinedAt.set(topic, undefined);
      }
    }
    for (const topic of this.joinedAt.keys()) {
      if (!hubs.some(({ name }) => topic.startsWith(groupTopic(name, '')))) {
        this.joinedAt.delete(topic);
      }
    }
    return [...this.joinedAt.keys()];
  }

  /** What was said in a group before it joined is not replayed to it, however old its cursor. */
  replayOf(topic: Topic): ReplayTopic {
    const since = this.joinedAt.get(topic);
    return since === undefined ? { topic } : { topic, since };
  }

  /** Names for the groups token. */
  names(): string[] {
    return [...this.joinedAt.keys()].map(qualifiedGroup);
  }
}
