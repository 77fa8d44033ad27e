import type {
  Acknowledgement,
  Backplane,
  BackplaneHealth,
  BackplaneNode,
  Replay,
  ReplayTopic,
} from '../messaging/backplane.js';
import type { ConnectionDirectory } from '../messaging/connection-directory.js';
import type { Envelope, Message } from '../messaging/envelope.js';
import { MemoryBackplane } from '../messaging/memory-backplane.js';
import type { NodeCommand } from '../messaging/node-command.js';
import type { NodeNote } from '../messaging/node-note.js';
import type { Topic } from '../messaging/topics.js';

/** How well the line between a node and its backplane does. */
export type LineState =
  /** Everything passes. */
  | 'up'
  /** What is published fails, and so do commands; nothing arrives. */
  | 'down'
  /** What is published waits until the line is up again; nothing arrives meanwhile. */
  | 'stuck';

/**
 * A backplane with switches, to see what an application does when its real one fails: takes the place of any other, and
 * is a `MemoryBackplane` inside unless another one is given.
 *
 * @publicApi
 */
export class FaultyBackplane implements Backplane {
  /** The error of what fails while the line is down. */
  error = new Error('The backplane is down.');
  /** Drops messages to this node although the line is up, as a lost subscription does. */
  deaf = false;
  private state: LineState = 'up';
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly inner: Backplane = new MemoryBackplane()) {}

  get name(): string {
    return `faulty ${this.inner.name}`;
  }

  get directory(): ConnectionDirectory {
    return this.inner.directory;
  }

  /** The line as it is now. */
  get line(): LineState {
    return this.state;
  }

  /** Switches the line. What was stuck passes, or fails, in its order. */
  set line(state: LineState) {
    this.state = state;
    if (state !== 'stuck') {
      this.waiting.splice(0).forEach((go) => go());
    }
  }

  start(node: BackplaneNode): void | Promise<void> {
    return this.inner.start({
      id: node.id,
      servesClients: node.servesClients ?? true,
      deliver: (envelope: Envelope) => {
        if (this.state === 'up' && !this.deaf) {
          node.deliver(envelope);
        }
      },
      execute: (command) => node.execute(command),
      hear: (note, from) => {
        if (this.state === 'up' && !this.deaf) {
          node.hear(note, from);
        }
      },
      missed: (from) => node.missed?.(from),
      gap: (topics) => node.gap?.(topics),
      userGroupsBack: () => node.userGroupsBack?.(),
      taken: (connectionId, nodeId) => node.taken?.(connectionId, nodeId),
      orphaned: (entry) => node.orphaned?.(entry),
      skipped: (reason) => node.skipped?.(reason),
    });
  }

  stop(): void | Promise<void> {
    return this.inner.stop();
  }

  publish(topic: Topic, message: Message): void | Promise<void> {
    return this.state === 'up'
      ? this.inner.publish(topic, message)
      : this.whenPassable(() => this.inner.publish(topic, message));
  }

  subscribe(topic: Topic): void | Promise<void> {
    return this.inner.subscribe(topic);
  }

  unsubscribe(topic: Topic): void | Promise<void> {
    return this.inner.unsubscribe(topic);
  }

  joinedAt(topic: Topic, tail: string): string {
    return this.inner.joinedAt?.(topic, tail) ?? tail;
  }

  tail(): string {
    return this.inner.tail();
  }

  replay(topics: readonly ReplayTopic[], after: string): Replay | Promise<Replay> {
    return this.inner.replay(topics, after);
  }

  command(command: NodeCommand, timeout: number): Promise<Acknowledgement> {
    return this.whenPassable(() => this.inner.command(command, timeout));
  }

  tell(nodeId: string, note: NodeNote): boolean | Promise<boolean> {
    return this.state === 'up'
      ? this.inner.tell(nodeId, note)
      : this.whenPassable(() => this.inner.tell(nodeId, note));
  }

  health(): BackplaneHealth | Promise<BackplaneHealth> {
    return this.state === 'up' ? this.inner.health() : { status: 'degraded', detail: this.error.message };
  }

  private async whenPassable<T>(pass: () => T | Promise<T>): Promise<T> {
    if (this.state === 'stuck') {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    if (this.state === 'down') {
      throw this.error;
    }
    return pass();
  }
}
