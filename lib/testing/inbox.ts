const DEADLINE = 5_000;

/** What has arrived and was not looked at yet; tests wait for it with a deadline, never for time. */
export class Inbox<T> {
  private readonly arrived: T[] = [];
  private readonly waiting: ((item: T) => void)[] = [];

  /** @param deadline how long, in milliseconds, {@link next} waits unless it is told otherwise. */
  constructor(private readonly deadline = DEADLINE) {}

  put(item: T): void {
    const wake = this.waiting.shift();
    if (wake === undefined) {
      this.arrived.push(item);
    } else {
      wake(item);
    }
  }

  /** The next item. Rejects with what was waited for if none comes in time. */
  next(what: string, deadline = this.deadline): Promise<T> {
    const item = this.arrived.shift();
    if (item !== undefined) {
      return Promise.resolve(item);
    }
    return new Promise((resolve, reject) => {
      const wake = (arrived: T): void => {
        clearTimeout(timer);
        resolve(arrived);
      };
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(wake), 1);
        reject(new Error(`${what}: nothing came within ${deadline} ms`));
      }, deadline);
      this.waiting.push(wake);
    });
  }

  /** The next item for which the condition holds; others are passed over. */
  async nextWhere(what: string, condition: (item: T) => boolean): Promise<T> {
    for (;;) {
      const item = await this.next(what);
      if (condition(item)) {
        return item;
      }
    }
  }

  /** Forgets what has arrived. */
  clear(): void {
    this.arrived.length = 0;
  }

  /** Everything that has arrived and was not taken. */
  get pending(): readonly T[] {
    return this.arrived;
  }
}
