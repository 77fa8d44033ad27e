import { opcodes } from './frame-writer.mjs';

const nothing = Buffer.alloc(0);

/**
 * @typedef {object} FrameConsumer
 * @property {(data: Buffer, start: number, end: number) => void} onMessage payload of a text or binary frame; the
 *   bytes are only valid during the call
 * @property {(opcode: number, payload: Buffer) => void} onControl
 */

/** Cuts the bytes of a server into frames without copying those that arrive whole. */
export class FrameReader {
  #rest = nothing;

  /** @param {Buffer} chunk @param {FrameConsumer} consumer */
  read(chunk, consumer) {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const start = payloadStart(data, at);
      const end = start + payloadLength(data, at, start);
      if (!(end <= data.length)) {
        break;
      }
      dispatch(data, at, start, end, consumer);
      at = end;
    }
    this.#rest = at === data.length ? nothing : Buffer.from(data.subarray(at));
  }
}

/** Where the payload of the frame at `at` begins; `NaN` when its head is not complete. */
function payloadStart(data, at) {
  if (at + 2 > data.length) {
    return NaN;
  }
  const length = data[at + 1];
  const start = at + (length < 126 ? 2 : length === 126 ? 4 : 10);
  return start <= data.length ? start : NaN;
}

function payloadLength(data, at, start) {
  switch (start - at) {
    case 2:
      return data[at + 1];
    case 4:
      return data.readUInt16BE(at + 2);
    case 10:
      return Number(data.readBigUInt64BE(at + 2));
    default:
      return NaN;
  }
}

function dispatch(data, at, start, end, consumer) {
  const opcode = data[at] & 0x0f;
  if (data[at] !== (0x80 | opcode)) {
    throw new Error(`a frame of a kind this client does not read: 0x${data[at].toString(16)}`);
  }
  if (opcode === opcodes.text || opcode === opcodes.binary) {
    consumer.onMessage(data, start, end);
  } else {
    consumer.onControl(opcode, Buffer.from(data.subarray(start, end)));
  }
}
