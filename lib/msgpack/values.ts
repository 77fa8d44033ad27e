import { Decoder, Encoder, ExtensionCodec } from '@msgpack/msgpack';

import { SignalRError, toError } from '../common/errors.js';
import { ProtocolError } from '../protocols/core/messages.js';

/** Larger integers have no 32-bit form. */
const LARGEST_32_BIT = 0xffff_ffff;
const SMALLEST_32_BIT = -0x8000_0000;
const MAXIMUM_DEPTH = 500;
const TIMESTAMP = -1;

/** Timestamps are the only extension: a client that sends another one is not understood. */
class TimestampsOnly extends ExtensionCodec {
  override decode(data: Uint8Array, type: number, context: undefined): unknown {
    if (type !== TIMESTAMP) {
      throw new RangeError(`Extension type ${type} is not supported.`);
    }
    return super.decode(data, type, context);
  }
}

const extensionCodec = new TimestampsOnly();
const encoder = new Encoder({
  extensionCodec,
  ignoreUndefined: true,
  useBigInt64: true,
  maxDepth: MAXIMUM_DEPTH,
});
const decoder = new Decoder({ extensionCodec });

/**
 * Encodes a value: bytes as binary, dates as timestamps; what has a `toJSON`, maps and sets as in JSON (signalr-core §5.4).
 *
 * @param what names the value in the error.
 * @throws SignalRError SIGNALR_UNSERIALIZABLE for cycles and throwing `toJSON`.
 */
export function encodeValue(value: unknown, ...what: string[]): Uint8Array {
  try {
    return encoder.encode(prepare(value) ?? null);
  } catch (thrown) {
    throw SignalRError.because(thrown, 'SIGNALR_UNSERIALIZABLE', what.join(' '), toError(thrown).message);
  }
}

/** Decodes the one value that the bytes are. 64-bit integers become numbers. @throws ProtocolError */
export function decodeValue(bytes: Uint8Array): unknown {
  try {
    // Of a Buffer the decoder would cut Buffers.
    return decoder.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (error) {
    throw new ProtocolError('Error reading MessagePack.', { cause: error });
  }
}

/** Puts what the encoder does not know into forms that it knows; everything else stays the same object. */
function prepare(value: unknown): unknown {
  switch (typeof value) {
    case 'number':
      return Number.isSafeInteger(value) && (value > LARGEST_32_BIT || value < SMALLEST_32_BIT)
        ? BigInt(value)
        : value;
    case 'object':
      return value === null ? null : prepareObject(value);
    case 'function':
    case 'symbol':
      return undefined;
    default:
      return value;
  }
}

function prepareObject(value: object): unknown {
  if (Array.isArray(value)) {
    return prepareList(value);
  }
  if (value instanceof Date || ArrayBuffer.isView(value)) {
    return value;
  }
  if (value instanceof ArrayBuffer) {
    return new Uint8Array(value);
  }
  if (value instanceof Map) {
    return prepareMembers(Object.fromEntries(value) as Record<string, unknown>);
  }
  if (value instanceof Set) {
    return prepareList([...value]);
  }
  const { toJSON } = value as { toJSON?: unknown };
  return typeof toJSON === 'function'
    ? prepare((toJSON as () => unknown).call(value))
    : prepareMembers(value as Record<string, unknown>);
}

function prepareList(list: readonly unknown[]): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (const [index, item] of list.entries()) {
    const prepared = prepare(item) ?? null;
    if (prepared !== item) {
      copy ??= [...list];
      copy[index] = prepared;
    }
  }
  return copy ?? list;
}

function prepareMembers(object: Record<string, unknown>): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const name of Object.keys(object)) {
    const member = object[name];
    const prepared = prepare(member);
    if (prepared !== member) {
      copy ??= { ...object };
      copy[name] = prepared;
    }
  }
  return copy ?? object;
}
