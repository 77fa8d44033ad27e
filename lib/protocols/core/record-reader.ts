const SEPARATOR_BYTE = 0x1e;

/**
 * Cuts what a client sends into messages. The boundaries of frames mean nothing: a frame may hold several messages, a
 * message may be spread over frames (signalr-core §2.2).
 */
export class RecordReader {
  private readonly queue: Buffer[] = [];
  private offset = 0;
  /** Parts of a message whose end has not come. */
  private partial: Buffer[] = [];
  private partialBytes = 0;

  /** Bytes that wait to be read. */
  bufferedBytes = 0;

  push(data: Buffer): void {
    this.queue.push(data);
    this.bufferedBytes += data.byteLength;
  }

  /** The next message without its separator; undefined if there is no complete one. */
  next(): Buffer | undefined {
    for (let head = this.queue[0]; head !== undefined; head = this.queue[0]) {
      const end = head.indexOf(SEPARATOR_BYTE, this.offset);
      const part = head.subarray(this.offset, end < 0 ? head.byteLength : end);
      if (end >= 0 && end + 1 < head.byteLength) {
        this.offset = end + 1;
      } else {
        this.queue.shift();
        this.offset = 0;
      }
      this.bufferedBytes -= part.byteLength + (end < 0 ? 0 : 1);
      if (end >= 0) {
        return this.complete(part);
      }
      if (part.byteLength > 0) {
        this.partial.push(part);
        this.partialBytes += part.byteLength;
      }
    }
    return undefined;
  }

  /** Bytes of the message whose end has not come. */
  get incompleteBytes(): number {
    return this.partialBytes;
  }

  private complete(last: Buffer): Buffer {
    if (this.partial.length === 0) {
      return last;
    }
    const record = Buffer.concat([...this.partial, last]);
    this.partial = [];
    this.partialBytes = 0;
    return record;
  }
}
