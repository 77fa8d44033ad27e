/** A call of a client method, as a client has received it. */
export interface ReceivedCall {
  readonly method: string;
  readonly args: readonly unknown[];
}

interface Waiter {
  readonly accepts: (call: ReceivedCall) => boolean;
  readonly resolve: (call: ReceivedCall) => void;
  readonly reject: (why: string) => void;
}

/** What a test client has received, and who waits for more of it. */
export class RecordedCalls {
  /** Everything, oldest first. */
  readonly all: ReceivedCall[] = [];
  private readonly taken = new Set<ReceivedCall>();
  private readonly waiters = new Set<Waiter>();
  private hasEnded = false;

  add(call: ReceivedCall): void {
    this.all.push(call);
    for (const waiter of this.waiters) {
      if (waiter.accepts(call)) {
        this.taken.add(call);
        waiter.resolve(call);
        return;
      }
    }
  }

  /** Nothing more will come. */
  end(): void {
    this.hasEnded = true;
    for (const waiter of this.waiters) {
      waiter.reject(CONNECTION_ENDED);
    }
  }

  /** The next call that fulfils a condition and was not waited for before. Rejects when it has not come in time. */
  next(what: string, accepts: (call: ReceivedCall) => boolean, timeout: number): Promise<ReceivedCall> {
    const present = this.all.find((call) => !this.taken.has(call) && accepts(call));
    if (present !== undefined) {
      this.taken.add(present);
      return Promise.resolve(present);
    }
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
      };
      const waiter: Waiter = {
        accepts,
        resolve: (call) => {
          settle();
          resolve(call);
        },
        reject: (why) => {
          settle();
          const seen = this.all.map(({ method }) => method).join(', ') || 'nothing';
          reject(new Error(`${what} did not come ${why}; received: ${seen}`));
        },
      };
      const timer = setTimeout(() => waiter.reject(`within ${timeout} ms`), timeout);
      this.waiters.add(waiter);
      if (this.hasEnded) {
        waiter.reject(CONNECTION_ENDED);
      }
    });
  }
}

const CONNECTION_ENDED = 'before the connection ended';
