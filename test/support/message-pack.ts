import { decode, encode } from '@msgpack/msgpack';

/** Messages with their lengths in front, as a client writes them. */
export const packed = (...messages: unknown[]): Buffer =>
  Buffer.concat(
    messages.flatMap((message) => {
      const body = Buffer.from(encode(message));
      const prefix =
        body.byteLength < 128 ? [body.byteLength] : [(body.byteLength & 0x7f) | 0x80, body.byteLength >> 7];
      return [Buffer.from(prefix), body];
    }),
  );

/** The messages of one frame; every frame has to end with a message. */
export function unpacked(frame: Buffer): unknown[] {
  const messages: unknown[] = [];
  for (let start = 0; start < frame.byteLength;) {
    let length = frame[start] as number;
    start++;
    if (length >= 0x80) {
      length = (length & 0x7f) + (frame[start] as number) * 128;
      start++;
    }
    if (start + length > frame.byteLength) {
      throw new Error('a frame ends within a message');
    }
    messages.push(decode(frame.subarray(start, start + length)));
    start += length;
  }
  return messages;
}
