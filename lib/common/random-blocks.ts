import { randomFillSync } from 'node:crypto';

/** How many blocks are got at once: to ask the system for one costs nearly as much. */
const BLOCKS = 256;

/** Random bytes in blocks of one size. */
export class RandomBlocks {
  private readonly bytes: Buffer;
  private used: number;

  constructor(private readonly size: number) {
    this.bytes = Buffer.alloc(BLOCKS * size);
    this.used = this.bytes.byteLength;
  }

  /** A block that nobody has had before, for the caller to change; what it is needed for has to be done with it at once. */
  next(): Buffer {
    if (this.used === this.bytes.byteLength) {
      randomFillSync(this.bytes);
      this.used = 0;
    }
    const start = this.used;
    this.used += this.size;
    return this.bytes.subarray(start, this.used);
  }
}
