import type { ReplayTopic } from '../../messaging/backplane.js';
import { qualifiedGroup, type Topic } from '../../messaging/topics.js';

/** The groups of a client that comes back. */
export interface Rejoined {
  /** Those that it gets again and was not known to be in. */
  readonly topics: readonly Topic[];
  /** Those that it had, and is not to get again. */
  readonly refused: readonly Topic[];
}

/** A group, and the position at which it was joined, if that is known. */
export type Joined = readonly [topic: Topic, position: string | null];

/** The groups of one connection, and what its client has to be told of them. */
export class Membership {
  /** Position at which it joined each group; undefined where that is not known. */
  private readonly joinedAt = new Map<Topic, string | undefined>();
  /** Groups that it joined on another node. */
  private readonly joinedElsewhere = new Set<Topic>();
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
    this.joinedElsewhere.delete(topic);
  }

  /** All of it, for another node. */
  save(): Joined[] {
    return [...this.joinedAt].map(([topic, position]) => [topic, position ?? null]);
  }

  /** Takes in what another node has saved. Whether the client has the latest token is not known, so it gets a new one. */
  restore(groups: readonly Joined[]): void {
    for (const [topic, position] of groups) {
      this.joinedAt.set(topic, position ?? undefined);
      this.joinedElsewhere.add(topic);
      this.changed = true;
    }
  }

  /** A fresh connect starts with no groups (signalr-2 §3.3). */
  clear(): void {
    this.joinedAt.clear();
    this.joinedElsewhere.clear();
    this.changed = false;
  }

  /**
   * Takes in what a client comes back with, and gives all groups that it is in from now on. Groups that are none of what
   * the client is connected to now are dropped.
   */
  rejoin({ topics, refused }: Rejoined, hasGroup: (topic: Topic) => boolean): Topic[] {
    for (const topic of topics) {
      if (!this.joinedAt.has(topic)) {
        this.joinedAt.set(topic, undefined);
      }
    }
    for (const topic of this.joinedAt.keys()) {
      if (refused.includes(topic) || !hasGroup(topic)) {
        this.joinedAt.delete(topic);
        this.joinedElsewhere.delete(topic);
      }
    }
    return this.topics;
  }

  get topics(): Topic[] {
    return [...this.joinedAt.keys()];
  }

  /** What was said in a group before it joined is not replayed to it, however old its cursor. */
  replayOf(topic: Topic): ReplayTopic {
    const since = this.joinedAt.get(topic);
    if (since === undefined) {
      return { topic };
    }
    return { topic, since, ...(this.joinedElsewhere.has(topic) && { joinedElsewhere: true }) };
  }

  /** Names for the groups token. */
  names(): string[] {
    return [...this.joinedAt.keys()].map(qualifiedGroup);
  }
}
