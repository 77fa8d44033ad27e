/**
 * Chance that can be repeated: the same seed gives the same numbers.
 *
 * @param {number} seed
 */
export function seededRandom(seed) {
  let state = seed >>> 0;

  /** A number from 0 to 1, by mulberry32. */
  function next() {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  return {
    next,
    /** A whole number between two others, both included. @param {number} low @param {number} high */
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    /** One of a list. @template T @param {readonly T[]} list @returns {T} */
    oneOf: (list) => list[Math.floor(next() * list.length)],
  };
}
