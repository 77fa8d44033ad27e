import {
  type BackplaneNode,
  MemoryBackplane,
  type MemoryBroker,
  type NodeNote,
  type RelayPart,
} from 'nestjs-signalr';

import type { FakeClock } from './fake-clock.js';

/** Writes down what the node tells others. */
export class TalkativeBackplane extends MemoryBackplane {
  readonly told: NodeNote[] = [];
  private held: (() => void)[] | undefined;
  /** Id of its node. */
  protected id = '';
  private readonly shared: MemoryBroker;
  private losing: 'next' | 'lost' | undefined;

  constructor(options: { broker: MemoryBroker; clock: FakeClock }) {
    super(options);
    this.shared = options.broker;
  }

  override start(node: BackplaneNode): void {
    this.id = node.id;
    super.start(node);
  }

  override tell(nodeId: string, note: NodeNote): boolean {
    this.told.push(note);
    if (this.losing === 'next') {
      this.losing = 'lost';
      return true;
    }
    if (this.losing === 'lost') {
      this.losing = undefined;
      [...this.shared.nodes].find(({ id }) => id === nodeId)?.missed?.(this.id);
    }
    if (this.held === undefined) {
      return super.tell(nodeId, note);
    }
    this.held.push(() => super.tell(nodeId, note));
    return true;
  }

  /** What it has said of requests. */
  get parts(): RelayPart[] {
    return this.told.flatMap((note) => (note.type === 'relay' ? [note.say] : []));
  }

  /** Its next note gets lost on the way, which shows when the one after that arrives. */
  loseNext(): void {
    this.losing = 'next';
  }

  /** From now on its notes stay on the way. */
  hold(): void {
    this.held = [];
  }

  letGo(): void {
    const held = this.held ?? [];
    this.held = undefined;
    held.forEach((tell) => tell());
  }
}
