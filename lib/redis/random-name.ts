import { randomBytes } from 'node:crypto';

/** Names for lives of the log and runs of a process: short, since cursors carry them, and never twice. */
export function randomName(): string {
  return randomBytes(4).toString('hex').toUpperCase();
}
