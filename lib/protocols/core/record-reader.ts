import type { MessageReader } from './hub-protocol.js';

/** Ends every JSON message, handshakes included; it cannot occur inside one (signalr-core §4.1). */
export const RECORD_SEPARATOR = '\u001e';

const SEPARATOR_BYTE = 0x1e;

/** Cuts JSON messages at their separators. */
export class RecordReader implements MessageReader {
  /** What is being read, from {@link offset} on. */
  private head: Buffer | undefined;
  private offset = 0;
  /** What has come after it; nearly always nothing. */
  private readonly queue: Buffer[] = [];
  /** Parts of a message whose end has not come. */
  private partial: Buffer[] = [];
  private partialBytes = 0;

  bufferedBytes = 0;
  messageBytes = 0;

  push(data: Buffer): void {
    this.bufferedBytes += data.byteLength;
    if (this.head === undefined) {
      this.head = data;
    } else {
      this.queue.push(data);
    }
  }

  next(): Buffer | undefined {
    for (let { head } = this; head !== undefined; head = this.head) {
      const end = head.indexOf(SEPARATOR_BYTE, this.offset);
      const part = head.subarray(this.offset, end < 0 ? head.byteLength : end);
      if (end >= 0 && end + 1 < head.byteLength) {
        this.offset = end + 1;
      } else {
        this.head = this.queue.shift();
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
    this.messageBytes = this.partialBytes + 1;
    return undefined;
  }

  /** Hands what has not been read to the reader of another protocol. */
  handOver(reader: MessageReader): void {
    if (this.head !== undefined) {
      reader.push(this.head.subarray(this.offset));
    }
    this.queue.splice(0).forEach((data) => reader.push(data));
    this.head = undefined;
    this.offset = 0;
    this.bufferedBytes = 0;
  }

  private complete(last: Buffer): Buffer {
    this.messageBytes = this.partialBytes + last.byteLength + 1;
    if (this.partial.length === 0) {
      return last;
    }
    const record = Buffer.concat([...this.partial, last]);
    this.partial = [];
    this.partialBytes = 0;
    return record;
  }
}
