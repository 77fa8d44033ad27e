import { type CancelTimer, type Clock, systemClock } from '../common/clock.js';
import { SignalRError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import type {
  Acknowledgement,
  Backplane,
  BackplaneHealth,
  BackplaneNode,
  Replay,
  ReplayTopic,
} from './backplane.js';
import type { ConnectionDirectory } from './connection-directory.js';
import type { Message } from './envelope.js';
import { MemoryBroker } from './memory-broker.js';
import type { NodeCommand } from './node-command.js';
import type { NodeNote } from './node-note.js';
import type { Topic } from './topics.js';

const COLLECT_INTERVAL = 5_000;

/** Options of {@link MemoryBackplane}. */
export interface MemoryBackplaneOptions {
  /** Messages kept per topic for returning connections. Default: 1000, the classic `DefaultMessageBufferSize`; at least 32. */
  readonly bufferSize?: number;
  /** How long a topic without subscribers is kept, in milliseconds. Default: 100,000 (signalr-2 §4.2). */
  readonly retention?: number;
  /** How many topics without subscribers are kept at most. Default: 1000. */
  readonly maxIdleTopics?: number;
  /** Gives several backplanes of one process the same log, as if they were nodes of a farm. Default: a log of its own. */
  readonly broker?: MemoryBroker;
  readonly clock?: Clock;
}

const MINIMUM_BUFFER_SIZE = 32;

/**
 * The backplane of an application that runs in one process, which is the default: it needs no server, and messages
 * are lost with the process.
 *
 * @publicApi
 */
export class MemoryBackplane implements Backplane {
  readonly name = 'memory';
  private readonly trace = traceSource('SignalR.MessageBus');
  private readonly broker: MemoryBroker;
  private readonly clock: Clock;
  private node: BackplaneNode | undefined;
  private stopCollecting: CancelTimer | undefined;

  constructor(options: MemoryBackplaneOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.broker =
      options.broker ??
      new MemoryBroker({
        bufferSize: Math.max(options.bufferSize ?? 1_000, MINIMUM_BUFFER_SIZE),
        retention: options.retention ?? 100_000,
        maxIdleTopics: options.maxIdleTopics ?? 1_000,
      });
  }

  get directory(): ConnectionDirectory {
    return this.broker.directory;
  }

  start(node: BackplaneNode): void {
    this.node = node;
    this.broker.nodes.add(node);
    this.stopCollecting = this.clock.every(COLLECT_INTERVAL, () => this.broker.collect(this.clock.now()));
  }

  stop(): void {
    this.stopCollecting?.();
    if (this.node !== undefined) {
      this.broker.leave(this.node);
      this.node = undefined;
    }
  }

  publish(topic: Topic, message: Message): void {
    this.requireNode();
    if (this.trace.isVerbose) {
      this.trace.verbose(`published to ${topic}`);
    }
    this.broker.publish(topic, message);
  }

  subscribe(topic: Topic): void {
    if (this.trace.isVerbose) {
      this.trace.verbose(`subscribed to ${topic}`);
    }
    this.broker.subscribe(topic, this.requireNode());
  }

  unsubscribe(topic: Topic): void {
    if (this.node !== undefined) {
      this.broker.unsubscribe(topic, this.node, this.clock.now());
    }
  }

  tail(): string {
    return this.broker.tail();
  }

  replay(topics: readonly ReplayTopic[], after: string): Replay {
    const replay = this.broker.replay(topics, after);
    if (this.trace.isDebug) {
      this.trace.debug(`replayed ${replay.envelopes.length} message(s) of ${topics.length} topic(s)`);
    }
    return replay;
  }

  async command(command: NodeCommand, timeout: number): Promise<Acknowledgement> {
    this.requireNode();
    for (const node of this.broker.nodes) {
      const acknowledgement = await node.execute(command);
      if (acknowledgement !== false) {
        return acknowledgement;
      }
    }
    if (command.type === 'ask') {
      return { type: 'gone' };
    }
    // Nobody owns the connection. Like the original, which cannot know either, say so only after the time-out.
    return new Promise((_, reject) => {
      this.clock.after(timeout, () => reject(SignalRError.of('SIGNALR_ACK_TIMEOUT', command.connectionId)));
    });
  }

  tell(nodeId: string, note: NodeNote): boolean {
    return this.broker.tell(nodeId, note, this.requireNode().id);
  }

  health(): BackplaneHealth {
    return this.node === undefined ? { status: 'down', detail: 'not started' } : { status: 'up' };
  }

  private requireNode(): BackplaneNode {
    if (this.node === undefined) {
      throw SignalRError.of('SIGNALR_NOT_STARTED');
    }
    return this.node;
  }
}
