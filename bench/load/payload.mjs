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
