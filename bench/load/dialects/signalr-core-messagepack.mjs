import { decode, encode } from '@msgpack/msgpack';

const endOfHandshake = '\x1e';
const invocation = 1;
const completion = 3;
const more = 0x80;

/** ASP.NET Core SignalR, MessagePack protocol, negotiation skipped. @type {import('./dialect.mjs').Dialect} */
export const signalrCoreMessagePack = {
  isBinary: true,
  begin: () => ({ path: '/signalr/echoHub' }),
  greeting: [`{"protocol":"messagepack","version":1}${endOfHandshake}`],
  isWelcome(message) {
    if (message !== `{}${endOfHandshake}`) {
      throw new Error(`the handshake was answered with ${message}`);
    }
    return true;
  },
  // Five elements, as the JavaScript client writes them.
  call: (id, value) => withLength(encode([invocation, {}, String(id), 'echo', [value]])),
  decode(frame) {
    const bytes = /** @type {Buffer} */ (frame);
    const received = [];
    for (let at = 0; at < bytes.length;) {
      const { start, end } = messageAt(bytes, at);
      const [type, , id, kindOrTarget, value] = /** @type {any[]} */ (decode(bytes.subarray(start, end)));
      if (type === completion && kindOrTarget === 3) {
        received.push({ id: Number(id), text: value });
      } else if (type === invocation) {
        received.push({ text: value[0] });
      }
      at = end;
    }
    return received;
  },
  keepAlive: Buffer.from([2, 0x91, 6]),
};

/** @param {Uint8Array} body */
function withLength(body) {
  const prefix = [];
  let rest = body.length;
  for (; rest >= more; rest >>= 7) {
    prefix.push((rest & 0x7f) | more);
  }
  return Buffer.concat([Buffer.from([...prefix, rest]), body]);
}

/** @param {Buffer} bytes @param {number} at */
function messageAt(bytes, at) {
  let start = at;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[start++];
    length |= (byte & 0x7f) << shift;
    if (byte < more) {
      return { start, end: start + length };
    }
  }
}
