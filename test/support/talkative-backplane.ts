import { MemoryBackplane, type NodeNote, type RelayPart } from 'nestjs-signalr';

/** Writes down what the node tells others. */
export class TalkativeBackplane extends MemoryBackplane {
  readonly told: NodeNote[] = [];
  private held: (() => void)[] | undefined;

  override tell(nodeId: string, note: NodeNote): boolean {
    this.told.push(note);
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
