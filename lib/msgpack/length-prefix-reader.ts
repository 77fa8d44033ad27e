import type { MessageReader } from '../protocols/core/hub-protocol.js';
import { ProtocolError } from '../protocols/core/messages.js';

const LONGEST_PREFIX = 5;
const BITS_PER_BYTE = 7;
const MORE = 0x80;
const LARGEST = 0x7fff_ffff;

/** What stands in front of a message. */
interface Prefix {
  /** Its own bytes. */
  readonly bytes: number;
  /** Those of the message behind it. */
  readonly length: number;
}

/** Cuts messages that have their length in front of them (signalr-core §5.1). */
export class LengthPrefixReader implements MessageReader {
  private chunks: Buffer[] = [];
  private total = 0;
  /** That of the message in front, once read: a message may come in many small parts. */
  private prefix: Prefix | undefined;
  /** True while the message in front is known not to have ended. */
  private isIncomplete = false;
  messageBytes = 0;

  /** What has come of a message that has not ended does not wait for us. */
  get bufferedBytes(): number {
    return this.isIncomplete ? 0 : this.total;
  }

  push(data: Buffer): void {
    // Empty frames count towards no limit, so nothing of them may be kept.
    if (data.byteLength === 0) {
      return;
    }
    this.chunks.push(data);
    this.total += data.byteLength;
    this.isIncomplete = false;
  }

  next(): Buffer | undefined {
    const prefix = (this.prefix ??= this.readPrefix());
    this.messageBytes = prefix === undefined ? this.total : prefix.bytes + prefix.length;
    if (prefix === undefined || this.total < this.messageBytes) {
      this.isIncomplete = true;
      return undefined;
    }
    this.prefix = undefined;
    return this.take(this.messageBytes).subarray(prefix.bytes);
  }

  /** Seven bits per byte, the low ones first; the highest bit says that more follow. */
  private readPrefix(): Prefix | undefined {
    const head = this.head(LONGEST_PREFIX);
    let length = 0;
    for (let bytes = 0; bytes < LONGEST_PREFIX; bytes++) {
      const byte = head[bytes];
      if (byte === undefined) {
        return undefined;
      }
      length += (byte & ~MORE) * 2 ** (BITS_PER_BYTE * bytes);
      if ((byte & MORE) === 0) {
        if (length > LARGEST) {
          break;
        }
        return { bytes: bytes + 1, length };
      }
    }
    throw new ProtocolError('Messages over 2GB in size are not supported.');
  }

  /** The first bytes, as many as there are up to a number. */
  private head(count: number): Buffer {
    const [first] = this.chunks;
    if (first === undefined || first.byteLength >= count || this.chunks.length === 1) {
      return first ?? Buffer.alloc(0);
    }
    return Buffer.concat(this.chunks, Math.min(count, this.total));
  }

  private take(count: number): Buffer {
    const [first] = this.chunks;
    const all = this.chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.chunks);
    this.total -= count;
    this.chunks = this.total > 0 ? [all.subarray(count)] : [];
    return all.subarray(0, count);
  }
}

/** The bytes that stand in front of a message of so many bytes. */
export function lengthPrefix(length: number): number[] {
  const bytes: number[] = [];
  let rest = length;
  do {
    const low = rest % MORE;
    rest = Math.floor(rest / MORE);
    bytes.push(rest > 0 ? low | MORE : low);
  } while (rest > 0);
  return bytes;
}
