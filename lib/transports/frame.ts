const TEXT = 0x81;
const BINARY = 0x82;
const LENGTH_16_BIT = 126;
const LENGTH_64_BIT = 127;

/**
 * One complete unit that a transport sends: one WebSocket message, one event of a stream, one part of a poll. It is
 * immutable and may be shared by any number of receivers: its WebSocket form is built once for all of them.
 */
export class Frame {
  private webSocketForm: Buffer | undefined;

  constructor(
    /** Text goes out as UTF-8 text, bytes as a binary message. */
    readonly data: string | Uint8Array,
  ) {}

  /** The frame as RFC 6455 wants it from a server: unmasked, final, uncompressed. */
  get webSocket(): Buffer {
    return (this.webSocketForm ??= toWebSocketFrame(this.data));
  }
}

function toWebSocketFrame(data: string | Uint8Array): Buffer {
  const length = typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength;
  const headerLength = length < LENGTH_16_BIT ? 2 : length < 0x10000 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerLength + length);
  frame[0] = typeof data === 'string' ? TEXT : BINARY;
  if (headerLength === 2) {
    frame[1] = length;
  } else if (headerLength === 4) {
    frame[1] = LENGTH_16_BIT;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = LENGTH_64_BIT;
    frame.writeUInt32BE(0, 2);
    frame.writeUInt32BE(length, 6);
  }
  if (typeof data === 'string') {
    // As many bytes as characters: it is ASCII, which needs no conversion.
    frame.write(data, headerLength, length === data.length ? 'latin1' : 'utf8');
  } else {
    frame.set(data, headerLength);
  }
  return frame;
}
