import { SignalRError, toError } from './errors.js';

/**
 * Serializes values as both SignalR families expect them: property names as declared, dates in ISO 8601, bytes in
 * base64 (signalr-2 §6.5, signalr-core §4.5); a Map becomes an object and a Set an array.
 *
 * @param what names the value in the error, in parts that are only put together when there is one:
 * `'The result of', 'ChatHub', 'send'`.
 * @throws SignalRError SIGNALR_UNSERIALIZABLE for cycles, BigInt and throwing `toJSON`.
 */
export function toJson(value: unknown, ...what: string[]): string {
  try {
    const text = JSON.stringify(value) as string | undefined;
    if (text === undefined) {
      return 'null';
    }
    if (isPlain(value) || (Array.isArray(value) && value.every(isPlain))) {
      return text;
    }
    // A replacer makes JSON.stringify several times slower, so it runs only for values whose plain form shows the
    // traces of bytes, maps or sets. A false alarm costs time, never correctness.
    return looksBinary(text) ? JSON.stringify(value, replaceSpecial) : text;
  } catch (thrown) {
    throw SignalRError.because(
      thrown,
      'SIGNALR_UNSERIALIZABLE',
      what.join(' '),
      'JSON',
      toError(thrown).message,
    );
  }
}

function isPlain(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

function looksBinary(text: string): boolean {
  return text.includes('{}') || text.includes('{"0":') || text.includes('{"type":"Buffer"');
}

function replaceSpecial(this: unknown, key: string, value: unknown): unknown {
  // Buffer has a toJSON of its own, which has run by now: look at what it was made from.
  const original = (this as Record<string, unknown>)[key];
  if (original instanceof Uint8Array) {
    return Buffer.from(original.buffer, original.byteOffset, original.byteLength).toString('base64');
  }
  if (original instanceof ArrayBuffer) {
    return Buffer.from(original).toString('base64');
  }
  if (original instanceof Map) {
    return Object.fromEntries(original);
  }
  return original instanceof Set ? [...original] : value;
}
