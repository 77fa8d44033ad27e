/** Resolves a read of an {@link UploadStream}. */
interface Read {
  resolve(result: IteratorResult<unknown, undefined>): void;
  reject(error: unknown): void;
}

const DONE: IteratorResult<unknown, undefined> = { done: true, value: undefined };

/** What a client sends item by item with a call, for the method to read (signalr-core §6.6). */
export class UploadStream implements AsyncIterableIterator<unknown, undefined> {
  private items: unknown[] = [];
  private readonly reads: Read[] = [];
  private ending: { readonly error?: unknown } | undefined;

  constructor(
    /** How many items may wait for the method. */
    private readonly capacity: number,
    /** The method has taken one of the items that waited. */
    private readonly onRoom: () => void,
  ) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Takes an item of the client; false if it has to wait until the method has read one. */
  write(item: unknown): boolean {
    if (this.ending !== undefined) {
      return true;
    }
    const read = this.reads.shift();
    if (read !== undefined) {
      read.resolve({ done: false, value: item });
      return true;
    }
    if (this.items.length >= this.capacity) {
      return false;
    }
    this.items.push(item);
    return true;
  }

  /** Nothing more will come; what waits can still be read. @param error what the reader gets at the end. */
  end(error?: unknown): void {
    if (this.ending !== undefined) {
      return;
    }
    this.ending = error === undefined ? {} : { error };
    for (const read of this.reads.splice(0)) {
      this.finish(read);
    }
  }

  /** Nobody reads it any more. */
  close(): void {
    this.end();
    this.items = [];
    this.onRoom();
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    return new Promise((resolve, reject) => {
      if (this.items.length > 0) {
        resolve({ done: false, value: this.items.shift() });
        this.onRoom();
      } else if (this.ending === undefined) {
        this.reads.push({ resolve, reject });
      } else {
        this.finish({ resolve, reject });
      }
    });
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    this.close();
    return Promise.resolve(DONE);
  }

  /** An error is told once; whoever reads on finds the end. */
  private finish(read: Read): void {
    if (this.ending?.error === undefined) {
      read.resolve(DONE);
    } else {
      read.reject(this.ending.error);
      this.ending = {};
    }
  }
}
