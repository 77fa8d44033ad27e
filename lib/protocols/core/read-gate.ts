/** The connection whose client can be made to wait. */
export interface ReadGateOwner {
  pauseReading(): void;
  resumeReading(): void;
}

/** Makes a client wait that sends faster than it is heard, until half of what waits has been read (signalr-core §2.1). */
export class ReadGate {
  private readonly limit: number;
  private isClosed = false;
  /** Lets the POST go on that waits for room. There is at most one: they are taken one after another. */
  private onRoom: (() => void) | undefined;

  /** @param limit bytes that may wait; 0 for no limit. */
  constructor(
    private readonly owner: ReadGateOwner,
    limit: number,
  ) {
    this.limit = limit || Infinity;
  }

  /** True while the client has to wait. */
  get isFull(): boolean {
    return this.isClosed;
  }

  /** Resolves when there is room for more; undefined if there is (signalr-core §1.9). */
  whenRoom(): Promise<void> | undefined {
    return this.isClosed
      ? new Promise((resolve) => {
          this.onRoom = resolve;
        })
      : undefined;
  }

  /** So many bytes wait now. */
  regulate(waiting: number): void {
    const isClosed = this.isClosed ? waiting > this.limit / 2 : waiting >= this.limit;
    if (isClosed === this.isClosed) {
      return;
    }
    this.isClosed = isClosed;
    if (isClosed) {
      this.owner.pauseReading();
    } else {
      this.owner.resumeReading();
      this.letPostGoOn();
    }
  }

  /** Nothing more is read: nobody has to wait for that any longer. */
  letPostGoOn(): void {
    this.onRoom?.();
    this.onRoom = undefined;
  }
}
