/**
 * Stands exactly once in every text and nowhere else in a frame, so that texts can be counted without parsing, however
 * many of them a server puts into one frame.
 */
const marker = '#';
const markerByte = marker.charCodeAt(0);
const filler = 'the quick brown fox jumps over the lazy dog 0123456789 ';

/** A text of exactly `bytes` bytes that differs from number to number. @param {number} bytes @param {number} number */
export function textOf(bytes, number) {
  const head = `${marker}${number} `;
  return head + filler.repeat(Math.ceil(bytes / filler.length)).slice(0, bytes - head.length);
}

/**
 * A record of the kind that applications send: short names, numbers and texts. In JSON it has exactly `bytes` bytes.
 *
 * @param {number} bytes
 * @param {number} number
 */
export function recordOf(bytes, number) {
  const record = {
    id: `trade-${number}`,
    symbol: 'ACME',
    price: 102.25,
    change: -0.75,
    isOpen: true,
    closedAt: null,
    tags: ['stock', 'industry', 'europe'],
    trades: Array.from({ length: 10 }, (_, i) => ({
      price: 100.5 + i,
      volume: 1_100 * (i + 1),
      buyer: `b-${i}`,
    })),
    text: '',
  };
  return { ...record, text: textOf(bytes - JSON.stringify(record).length, number) };
}

/** @typedef {{ bytes: number, payload?: 'record' }} Payload */

/** What is sent in a scenario. @param {Payload} scenario @param {number} number */
export function payloadOf({ bytes, payload }, number) {
  return payload === 'record' ? recordOf(bytes, number) : textOf(bytes, number);
}

/** @param {Buffer} data @param {number} start @param {number} end */
export function countTexts(data, start, end) {
  let texts = 0;
  let at = data.indexOf(markerByte, start);
  while (at !== -1 && at < end) {
    texts++;
    at = data.indexOf(markerByte, at + 1);
  }
  return texts;
}
