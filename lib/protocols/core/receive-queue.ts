import { ReadGate, type ReadGateOwner } from './read-gate.js';

/** What a client has sent and nobody has read yet, in its order. A client that sends faster than it is heard has to wait. */
export class ReceiveQueue {
  private readonly pieces: Buffer[] = [];
  private readonly gate: ReadGate;
  private bytes = 0;
  private hasEnded = false;
  private onArrival: (() => void) | undefined;

  /** @param limit bytes that may wait; 0 for no limit. */
  constructor(owner: ReadGateOwner, limit: number) {
    this.gate = new ReadGate(owner, limit);
  }

  get isEmpty(): boolean {
    return this.pieces.length === 0;
  }

  push(piece: Buffer): void {
    // Nothing is nothing to a stream, and counting bytes would not count it.
    if (this.hasEnded || piece.byteLength === 0) {
      return;
    }
    this.pieces.push(piece);
    this.bytes += piece.byteLength;
    this.gate.regulate(this.bytes);
    this.wake();
  }

  /** The next piece; undefined if none will come any more. */
  async next(): Promise<Buffer | undefined> {
    while (this.pieces.length === 0 && !this.hasEnded) {
      await new Promise<void>((resolve) => {
        this.onArrival = resolve;
      });
    }
    const piece = this.pieces.shift();
    if (piece !== undefined) {
      this.bytes -= piece.byteLength;
      this.gate.regulate(this.bytes);
    }
    return piece;
  }

  /** Resolves when there is room for more; undefined if there is. */
  whenRoom(): Promise<void> | undefined {
    return this.gate.whenRoom();
  }

  /** Nothing more comes; what is there can still be read. */
  end(): void {
    this.hasEnded = true;
    this.gate.letPostGoOn();
    this.wake();
  }

  /** The same, and nobody reads what is there. */
  discard(): void {
    this.pieces.length = 0;
    this.bytes = 0;
    this.end();
  }

  private wake(): void {
    this.onArrival?.();
    this.onArrival = undefined;
  }
}
