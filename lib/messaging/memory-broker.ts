import { randomBytes } from 'node:crypto';

import {
  type BackplaneNode,
  InvalidCursorError,
  NOTHING_MISSED,
  type Replay,
  type ReplayTopic,
} from './backplane.js';
import type { Message } from './envelope.js';
import { MemoryDirectory } from './memory-directory.js';
import type { NodeNote } from './node-note.js';
import { cursorOf, NumberedEnvelope } from './numbered-envelope.js';
import { TopicLog } from './topic-log.js';
import type { Topic } from './topics.js';

/** Limits of the log of a {@link MemoryBroker}. */
export interface MemoryLogOptions {
  /** Messages kept per topic. */
  readonly bufferSize: number;
  /** How long, in milliseconds, a topic without subscribers is kept. */
  readonly retention: number;
  /** How many topics without subscribers are kept at most; the one that has been idle longest goes first. */
  readonly maxIdleTopics: number;
}

interface TopicState {
  /** Where the log stood when the topic became known: what was said there before has not been kept. */
  readonly since: number;
  /** Nearly always one: a Set for each topic would be most of what an idle connection costs. */
  readonly nodes: BackplaneNode[];
  /** Made by the first message. */
  log: TopicLog | undefined;
  idleSince: number | undefined;
}

/**
 * The log and directory that {@link MemoryBackplane}s share: usually one, in tests several that act as the nodes of a
 * farm. All positions are numbers of one count, so that what a connection has seen is told by a single number.
 */
export class MemoryBroker {
  readonly directory = new MemoryDirectory();
  readonly nodes = new Set<BackplaneNode>();
  /** Tells cursors of this log from those of an earlier process. */
  private readonly epoch = randomBytes(4).toString('hex').toUpperCase();
  private readonly topics = new Map<Topic, TopicState>();
  /** Topics without subscribers, the one that has been idle longest first. */
  private readonly idle = new Set<Topic>();
  private sequence = 0;
  /** Place of the last message that was dropped with its topic, or because nobody knew its topic. */
  private dropped = 0;

  constructor(private readonly options: MemoryLogOptions) {}

  publish(topic: Topic, message: Message): void {
    const state = this.topics.get(topic);
    // A topic that nobody was subscribed to of late keeps nothing (signalr-2 §5.3).
    if (state === undefined) {
      this.dropped = ++this.sequence;
      return;
    }
    const envelope = new NumberedEnvelope(topic, message, this.epoch, ++this.sequence);
    state.log ??= new TopicLog(this.options.bufferSize);
    state.log.append(envelope);
    for (const node of state.nodes) {
      node.deliver(envelope);
    }
  }

  subscribe(topic: Topic, node: BackplaneNode): void {
    let state = this.topics.get(topic);
    if (state === undefined) {
      // A list of exactly one is several times smaller than one that has grown to one.
      state = { since: this.sequence, nodes: [node], log: undefined, idleSince: undefined };
      this.topics.set(topic, state);
      return;
    }
    if (state.idleSince !== undefined) {
      state.idleSince = undefined;
      this.idle.delete(topic);
    }
    if (!state.nodes.includes(node)) {
      state.nodes.push(node);
    }
  }

  unsubscribe(topic: Topic, node: BackplaneNode, now: number): void {
    const state = this.topics.get(topic);
    const index = state?.nodes.indexOf(node) ?? -1;
    if (state === undefined || index < 0) {
      return;
    }
    state.nodes.splice(index, 1);
    if (state.nodes.length > 0) {
      return;
    }
    if (state.log === undefined) {
      // Nothing was ever said there, so there is nothing to come back for.
      this.topics.delete(topic);
    } else {
      state.idleSince = now;
      this.idle.add(topic);
      if (this.idle.size > this.options.maxIdleTopics) {
        const [oldest] = this.idle;
        this.forget(oldest as Topic);
      }
    }
  }

  /** Drops the topics that have been without subscribers for longer than they are kept. */
  collect(now: number): void {
    for (const topic of this.idle) {
      const idleSince = this.topics.get(topic)?.idleSince;
      if (idleSince !== undefined && now - idleSince < this.options.retention) {
        return;
      }
      this.forget(topic);
    }
  }

  /** Hands a note on after the code that tells it, and as JSON, as if there were a network between the nodes. */
  tell(nodeId: string, note: NodeNote, from: string): boolean {
    const node = [...this.nodes].find(({ id }) => id === nodeId);
    if (node === undefined) {
      return false;
    }
    const text = JSON.stringify(note);
    queueMicrotask(() => {
      if (this.nodes.has(node)) {
        node.hear(JSON.parse(text) as NodeNote, from);
      }
    });
    return true;
  }

  /** A node has gone, and with it its connections. */
  leave(node: BackplaneNode): void {
    this.nodes.delete(node);
    this.directory.removeNode(node.id);
  }

  tail(): string {
    return cursorOf(this.epoch, this.sequence);
  }

  replay(topics: readonly ReplayTopic[], after: string): Replay {
    const sequence = this.parse(after);
    if (sequence === undefined) {
      return { envelopes: [], known: false, complete: false };
    }
    // Clients that poll are nearly always where the log is.
    if (sequence === this.sequence) {
      return NOTHING_MISSED;
    }
    const envelopes: NumberedEnvelope[] = [];
    let complete = true;
    for (const { topic, since } of topics) {
      const state = this.topics.get(topic);
      const start = since === undefined ? sequence : Math.max(sequence, this.parse(since) ?? 0);
      envelopes.push(...(state?.log?.after(start) ?? []));
      complete &&= this.reachesBackTo(start, state);
    }
    envelopes.sort((left, right) => left.sequence - right.sequence);
    return { envelopes, known: true, complete };
  }

  private forget(topic: Topic): void {
    this.dropped = Math.max(this.dropped, this.topics.get(topic)?.log?.last ?? 0);
    this.idle.delete(topic);
    this.topics.delete(topic);
  }

  /**
   * True if everything that was said on a topic after a place is still here. Which topics were forgotten is not kept, since
   * they are without number: of one that has not been known since then it may only be said if nothing at all was dropped.
   */
  private reachesBackTo(start: number, state: TopicState | undefined): boolean {
    const isKnownSince = state !== undefined && start >= state.since;
    return (isKnownSince || start >= this.dropped) && (state?.log?.reachesBackTo(start) ?? true);
  }

  private parse(cursor: string): number | undefined {
    if (!cursor.startsWith(`${this.epoch}-`)) {
      return undefined;
    }
    const digits = cursor.slice(this.epoch.length + 1);
    if (!/^[0-9A-F]{1,13}$/.test(digits)) {
      throw new InvalidCursorError();
    }
    const sequence = Number.parseInt(digits, 16);
    // Beyond the counter: not from here, so everything that is kept is new to the client (signalr-2 §5.2).
    return sequence > this.sequence ? 0 : sequence;
  }
}
