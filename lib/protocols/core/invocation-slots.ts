import type { CallSlot } from '../../invocation/invocation-request.js';

/** How many calls of one client may run at the same time. */
export class InvocationSlots {
  private taken = 0;

  constructor(
    private readonly limit: number,
    /** A place has become free although its call goes on. */
    private readonly onFree: () => void,
  ) {}

  get areTaken(): boolean {
    return this.taken >= this.limit;
  }

  /** A place for a call. It counts only once the call turns out to take its time. */
  slot(): Slot {
    return new Slot(this);
  }

  /** @internal */
  take(): void {
    this.taken++;
  }

  /** @internal @param isEarly true if the call goes on */
  free(isEarly: boolean): void {
    this.taken--;
    if (isEarly) {
      // The method is in the middle of something.
      queueMicrotask(this.onFree);
    }
  }
}

/** The place of one call. */
export class Slot implements CallSlot {
  private isTaken = false;
  private isReleased = false;

  constructor(private readonly slots: InvocationSlots) {}

  /** The method has returned a promise. */
  take(): void {
    if (!this.isReleased) {
      this.isTaken = true;
      this.slots.take();
    }
  }

  /** The method waits for a client; once is enough for the rest of the call (signalr-core §6.1). */
  release(): void {
    this.leave(true);
  }

  /** The call is over. */
  end(): void {
    this.leave(false);
  }

  private leave(isEarly: boolean): void {
    if (this.isTaken && !this.isReleased) {
      this.slots.free(isEarly);
    }
    this.isReleased = true;
  }
}
