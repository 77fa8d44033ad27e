import { Decoder, Encoder, ExtensionCodec } from '@msgpack/msgpack';

import { SignalRError, toError } from '../common/errors.js';
import { ProtocolError } from '../protocols/core/messages.js';
import { checkStructure, MAXIMUM_DEPTH } from './structure.js';

/** Larger integers have no 32-bit form. */
const LARGEST_32_BIT = 0xffff_ffff;
const SMALLEST_32_BIT = -0x8000_0000;
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

/** An encoder keeps room for the largest value that it has met; one that has more than this is given up. */
const LARGEST_KEPT_BYTES = 1_048_576;

const extensionCodec = new TimestampsOnly();
let encoder = newEncoder();
const decoder = new Decoder({ extensionCodec });

function newEncoder(): Encoder {
  // Here what lists and objects hold counts as one level more.
  return new Encoder({
    extensionCodec,
    ignoreUndefined: true,
    useBigInt64: true,
    maxDepth: MAXIMUM_DEPTH + 1,
  });
}

/**
 * Encodes a value: bytes as binary, dates as timestamps; what has a `toJSON`, maps, sets, functions and dates that are none
 * as in JSON (signalr-core §5.4). A member named `__proto__` is left out: JavaScript clients end their connection over it.
 *
 * @param what names the value in the error.
 * @throws SignalRError SIGNALR_UNSERIALIZABLE for cycles, what is nested too deeply, integers of more than 64 bits and
 * throwing `toJSON`.
 */
export function encodeValue(value: unknown, ...what: string[]): Uint8Array {
  return encodeShared(value, ...what).slice();
}

/** The same without a copy: the bytes are good until the next value is encoded. */
export function encodeShared(value: unknown, ...what: string[]): Uint8Array {
  try {
    const encoded = encoder.encodeSharedRef(prepare(value, 1) ?? null);
    if (encoded.byteLength > LARGEST_KEPT_BYTES) {
      encoder = newEncoder();
    }
    return encoded;
  } catch (thrown) {
    const reason = toError(thrown).message;
    throw SignalRError.because(thrown, 'SIGNALR_UNSERIALIZABLE', what.join(' '), 'MessagePack', reason);
  }
}

/** Decodes the one value that the bytes are. 64-bit integers become numbers. @throws ProtocolError */
export function decodeValue(bytes: Uint8Array): unknown {
  try {
    checkStructure(bytes);
    // Of a Buffer the decoder would cut Buffers.
    return decoder.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (error) {
    throw new ProtocolError('Error reading MessagePack.', { cause: error });
  }
}

/** Puts what the encoder does not know into forms that it knows; everything else stays the same object. */
function prepare(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'number':
      return Number.isSafeInteger(value) && (value > LARGEST_32_BIT || value < SMALLEST_32_BIT)
        ? BigInt(value)
        : value;
    case 'bigint':
      return checkInteger(value);
    case 'object':
      return value === null ? null : prepareObject(value, depth);
    case 'function':
    case 'symbol':
      return undefined;
    default:
      return value;
  }
}

/** The encoder would drop the bits that are too many. */
function checkInteger(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value && BigInt.asUintN(64, value) !== value) {
    throw new RangeError('Integers of more than 64 bits have no form in MessagePack.');
  }
  return value;
}

function prepareObject(value: object, depth: number): unknown {
  if (depth > MAXIMUM_DEPTH) {
    throw new RangeError(`Values are nested more than ${MAXIMUM_DEPTH} deep, or in a circle.`);
  }
  if (Array.isArray(value)) {
    return prepareList(value, depth);
  }
  return isPlainObject(value) ? prepareConvertible(value, depth) : prepareSpecial(value, depth);
}

/** What nearly all objects in arguments and results are: none of the classes below need to be asked for. */
function isPlainObject(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype;
}

function prepareSpecial(value: object, depth: number): unknown {
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? null : value;
  }
  if (ArrayBuffer.isView(value)) {
    return value;
  }
  if (value instanceof ArrayBuffer) {
    return new Uint8Array(value);
  }
  if (value instanceof Map) {
    return prepareMembers(Object.fromEntries(value) as Record<string, unknown>, depth);
  }
  if (value instanceof Set) {
    return prepareList([...value], depth);
  }
  return prepareConvertible(value, depth);
}

function prepareConvertible(value: object, depth: number): unknown {
  const { toJSON } = value as { toJSON?: unknown };
  return typeof toJSON === 'function'
    ? prepare((toJSON as () => unknown).call(value), depth + 1)
    : prepareMembers(value as Record<string, unknown>, depth);
}

function prepareList(list: readonly unknown[], depth: number): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < list.length; index++) {
    const item = list[index];
    const prepared = prepare(item, depth + 1) ?? null;
    if (prepared !== item) {
      copy ??= [...list];
      copy[index] = prepared;
    }
  }
  return copy ?? list;
}

function prepareMembers(object: Record<string, unknown>, depth: number): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const name of Object.keys(object)) {
    const member = object[name];
    const prepared = name === '__proto__' ? undefined : prepare(member, depth + 1);
    if (prepared !== member) {
      copy ??= { ...object };
      copy[name] = prepared;
    }
  }
  return copy ?? object;
}
