/** Deeper values are refused, in both directions. ASP.NET Core has the same limit. */
export const MAXIMUM_DEPTH = 500;

const FIRST_MAP = 0x80;
const FIRST_LIST = 0x90;
const FIRST_TEXT = 0xa0;
const FIRST_OTHER = 0xc0;
const FIRST_LONG_LIST = 0xdc;
const FIRST_LONG_MAP = 0xde;
const FIRST_NEGATIVE = 0xe0;
const LENGTH_IN_CODE = 0x0f;
const TEXT_LENGTH_IN_CODE = 0x1f;

/**
 * Bytes of the values whose code is 0xc0 and up, without what follows their length. In the order of their codes: nil, one
 * that is not used, booleans; bytes and extensions; numbers; extensions of a fixed length; texts, lists and maps.
 */
const HEAD_BYTES = [
  1, 1, 1, 1, 2, 3, 5, 3, 4, 6, 5, 9, 2, 3, 5, 9, 2, 3, 5, 9, 3, 4, 6, 10, 18, 2, 3, 5, 3, 5, 3, 5,
];

/** How many of them are the length. */
const LENGTH_BYTES = [
  0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4,
];

/**
 * Refuses a value that announces more than its bytes can hold, or is nested too deeply. The decoder makes room for all
 * elements of a list as soon as it reads their number, so a few bytes could otherwise cost gigabytes; after this check a
 * value takes up memory in proportion to its bytes.
 *
 * @throws RangeError
 */
export function checkStructure(bytes: Uint8Array): void {
  const end = bytes.byteLength;
  /** How many values each open list or map still lacks, from the outermost. */
  const open: number[] = [];
  let position = 0;
  let lacking = 1;
  /** The same for all of them together: each takes a byte at least. */
  let announced = 1;
  for (;;) {
    while (lacking === 0) {
      const outer = open.pop();
      if (outer === undefined) {
        return;
      }
      lacking = outer;
    }
    if (announced > end - position) {
      throw new RangeError('More is announced than there is.');
    }
    const code = bytes[position] as number;
    const elements = elementsOf(code, bytes, position);
    position += sizeOf(code, bytes, position);
    announced += elements - 1;
    lacking--;
    if (elements > 0) {
      open.push(lacking);
      lacking = elements;
      if (open.length > MAXIMUM_DEPTH) {
        throw new RangeError(`Values are nested more than ${MAXIMUM_DEPTH} deep.`);
      }
    }
  }
}

/** How many values follow that belong to this one: those of a list, names and members of a map. */
function elementsOf(code: number, bytes: Uint8Array, position: number): number {
  if (code < FIRST_MAP || code >= FIRST_NEGATIVE) {
    return 0;
  }
  if (code < FIRST_TEXT) {
    return (code & LENGTH_IN_CODE) * (code < FIRST_LIST ? 2 : 1);
  }
  return code < FIRST_LONG_LIST ? 0 : lengthAt(bytes, position) * (code < FIRST_LONG_MAP ? 1 : 2);
}

/** The bytes of a value without the values that belong to it. */
function sizeOf(code: number, bytes: Uint8Array, position: number): number {
  if (code < FIRST_TEXT || code >= FIRST_NEGATIVE) {
    return 1;
  }
  if (code < FIRST_OTHER) {
    return 1 + (code & TEXT_LENGTH_IN_CODE);
  }
  const head = HEAD_BYTES[code - FIRST_OTHER] as number;
  return code < FIRST_LONG_LIST ? head + lengthAt(bytes, position) : head;
}

function lengthAt(bytes: Uint8Array, position: number): number {
  const digits = LENGTH_BYTES[(bytes[position] as number) - FIRST_OTHER] as number;
  let length = 0;
  for (let index = position + 1; index <= position + digits; index++) {
    length = length * 0x100 + (bytes[index] ?? 0);
  }
  return length;
}
