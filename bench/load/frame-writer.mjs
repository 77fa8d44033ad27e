import { randomBytes } from 'node:crypto';

const lastFrame = 0x80;
const masked = 0x80;
export const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/**
 * A complete WebSocket frame as a client sends it.
 *
 * @param {string | Uint8Array} payload
 * @param {number} [opcode] without it, that of text or bytes
 */
export function clientFrame(payload, opcode = typeof payload === 'string' ? opcodes.text : opcodes.binary) {
  const body = Buffer.from(payload);
  const mask = randomBytes(4);
  const lengthBytes = body.length < 126 ? 0 : body.length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = lastFrame | opcode;
  if (lengthBytes === 0) {
    head[1] = masked | body.length;
  } else if (lengthBytes === 2) {
    head[1] = masked | 126;
    head.writeUInt16BE(body.length, 2);
  } else {
    head[1] = masked | 127;
    head.writeBigUInt64BE(BigInt(body.length), 2);
  }
  for (let i = 0; i < body.length; i++) {
    body[i] ^= mask[i & 3];
  }
  return Buffer.concat([head, mask, body]);
}
