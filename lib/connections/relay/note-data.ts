import type { NoteData } from '../../messaging/node-note.js';

/** Puts text or bytes into a note. */
export function toNoteData(data: string | Uint8Array): NoteData {
  return typeof data === 'string'
    ? data
    : { base64: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64') };
}

/** The text or bytes of a note. */
export function fromNoteData(data: NoteData): string | Buffer {
  return typeof data === 'string' ? data : Buffer.from(data.base64, 'base64');
}

/** What counts of some data for the limits of a relay: its size on the way. */
export function sizeOf(data: readonly NoteData[]): number {
  return data.reduce((size, one) => size + (typeof one === 'string' ? one.length : one.base64.length), 0);
}
