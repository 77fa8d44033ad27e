import type { RelayPart } from '../../messaging/node-note.js';
import { sizeOf, toNoteData } from './note-data.js';

/** Why nothing more is heard of another node: it is gone, or the way between the nodes failed and something may be missing. */
export type LossKind = 'gone' | 'interrupted';

/** Who handles what the other node says of a request. */
export interface RelayHandler {
  /** The other node has said something. */
  onPart(part: RelayPart): void;
  /** There is room again for data, after {@link Relay.hasRoom} had been false. */
  onRoom(): void;
  /** Nothing is heard afterwards, and what was said last may not have arrived. */
  onLost(kind: LossKind): void;
}

/** Carries what is said between two nodes. */
export interface RelayLine {
  tell(relay: Relay, part: RelayPart): void;
  forget(relay: Relay): void;
}

/**
 * What two nodes say of one request, as one of them sees it. Data flows in both directions within a window, so that a
 * client that does not read, or a hub that does not keep up, holds back the other end and fills nothing in between.
 */
export class Relay {
  handler: RelayHandler | undefined;
  private onItsWay = 0;
  private isOver = false;

  constructor(
    /** Name of the conversation, the same on both nodes. */
    readonly id: string,
    /** The other node. */
    readonly peer: string,
    private readonly line: RelayLine,
    /** How much data may be on its way to the other node, in characters; what crosses it is still sent. */
    readonly window: number,
  ) {}

  /** True until one of the nodes has said that it is over. */
  get isOpen(): boolean {
    return !this.isOver;
  }

  /** False while more data should not be sent. */
  get hasRoom(): boolean {
    return this.onItsWay < this.window;
  }

  tell(part: RelayPart): void {
    if (!this.isOver) {
      this.line.tell(this, part);
    }
  }

  send(pieces: readonly (string | Uint8Array)[]): void {
    const data = pieces.map(toNoteData);
    this.onItsWay += sizeOf(data);
    this.tell({ part: 'data', data });
  }

  /** Data of the other node has been taken. */
  took(size: number): void {
    if (size > 0) {
      this.tell({ part: 'taken', size });
    }
  }

  /** Says the last word. */
  close(last: RelayPart & { readonly part: 'over' | 'absent' }): void {
    this.tell(last);
    this.finish();
  }

  /** @internal The other node has said something. */
  heard(part: RelayPart): void {
    if (this.isOver) {
      return;
    }
    if (part.part === 'taken') {
      const hadRoom = this.hasRoom;
      this.onItsWay -= part.size;
      if (!hadRoom && this.hasRoom) {
        this.handler?.onRoom();
      }
      return;
    }
    if (part.part === 'over' || part.part === 'absent') {
      this.finish();
    }
    this.handler?.onPart(part);
  }

  /** @internal Nothing more comes of the other node. */
  lost(kind: LossKind): void {
    if (!this.isOver) {
      this.finish();
      this.handler?.onLost(kind);
    }
  }

  private finish(): void {
    if (!this.isOver) {
      this.isOver = true;
      this.line.forget(this);
    }
  }
}
