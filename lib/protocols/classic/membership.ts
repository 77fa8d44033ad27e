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
  private readonly positions = new Map<Topic, string | undefined>();
  /** True if the client carries a token that is out of date. */
  changed = false;

  /** @param position where the log stands now. */
  join(topic: Topic, position: string): void {
    if (!this.positions.has(topic)) {
      this.positions.set(topic, position);
      this.changed = true;
    }
  }

  /** It is known more exactly where the log stood when it joined. */
  joinedAt(topic: Topic, position: string): void {
    if (this.positions.has(topic)) {
      this.positions.set(topic, position);
    }
  }

  leave(topic: Topic): void {
    this.changed = this.positions.delete(topic) || this.changed;
  }

  /** All of it, for another node. */
  save(): Joined[] {
    return [...this.positions].map(([topic, position]) => [topic, position ?? null]);
  }

  /** Takes in what another node has saved. Whether the client has the latest token is not known, so it gets a new one. */
  restore(groups: readonly Joined[]): void {
    for (const [topic, position] of groups) {
      this.positions.set(topic, position ?? undefined);
      this.changed = true;
    }
  }

  /** A fresh connect starts with no groups (signalr-2 §3.3). */
  clear(): void {
    this.positions.clear();
    this.changed = false;
  }

  /**
   * Takes in what a client comes back with, and gives all groups that it is in from now on. Groups that are none of what
   * the client is connected to now are dropped.
   */
  rejoin({ topics, refused }: Rejoined, hasGroup: (topic: Topic) => boolean): Topic[] {
    for (const topic of topics) {
      if (!this.positions.has(topic)) {
        this.positions.set(topic, undefined);
      }
    }
    for (const topic of this.positions.keys()) {
      if (refused.includes(topic) || !hasGroup(topic)) {
        this.positions.delete(topic);
      }
    }
    return this.topics;
  }

  get isEmpty(): boolean {
    return this.positions.size === 0;
  }

  get topics(): Topic[] {
    return [...this.positions.keys()];
  }

  /** What was said in a group before it joined is not replayed to it, however old its cursor. */
  replayOf(topic: Topic): ReplayTopic {
    const since = this.positions.get(topic);
    return since === undefined ? { topic } : { topic, since };
  }

  /** Names for the groups token. */
  names(): string[] {
    return [...this.positions.keys()].map(qualifiedGroup);
  }
}
