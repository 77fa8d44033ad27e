import { InvalidCursorError } from '../messaging/backplane.js';
import type { LoggedEnvelope } from './logged-envelope.js';

/** What tells where a message stands: as which one of its sender, and in the log once that is known. */
export type MessagePlace = Pick<LoggedEnvelope, 'sender' | 'count' | 'sequence'>;

/** Senders that a cursor tells of at most; beyond that the oldest is left out. */
const MOST_SENDERS = 8;

const FORM = /^[0-9A-F]{1,13}(?::[0-9A-F]{8}-[0-9A-F]{1,13})*$/;

/**
 * What somebody has seen: everything up to a place in the log, and of some senders everything up to a count. The latter
 * are messages that a node has handed to its own connections before Redis has given them a place.
 *
 * As text: `epoch-sequence:tag-count:tag-count…`, numbers in hexadecimal.
 */
export class Cursor {
  constructor(
    readonly epoch: string,
    readonly sequence: number,
    readonly senders: ReadonlyMap<string, number> = new Map(),
  ) {}

  /**
   * Reads a cursor.
   *
   * @returns undefined if it is not of this life of the log.
   * @throws InvalidCursorError if it claims to be and is damaged.
   */
  static parse(text: string, epoch: string): Cursor | undefined {
    if (!text.startsWith(`${epoch}-`)) {
      return undefined;
    }
    const rest = text.slice(epoch.length + 1);
    if (!FORM.test(rest)) {
      throw new InvalidCursorError();
    }
    const [sequence = '', ...senders] = rest.split(':');
    return new Cursor(
      epoch,
      Number.parseInt(sequence, 16),
      new Map(
        senders.slice(-MOST_SENDERS).map((sender) => {
          const [tag = '', count = ''] = sender.split('-');
          return [tag, Number.parseInt(count, 16)];
        }),
      ),
    );
  }

  /** True if the message has been seen. */
  covers({ sequence, sender, count }: MessagePlace): boolean {
    return (sequence !== undefined && sequence <= this.sequence) || count <= (this.senders.get(sender) ?? 0);
  }

  /** What has been seen when both have been. */
  and(other: Cursor): Cursor {
    const senders = new Map(this.senders);
    for (const [tag, count] of other.senders) {
      const known = senders.get(tag) ?? 0;
      senders.delete(tag);
      senders.set(tag, Math.max(known, count));
    }
    return new Cursor(this.epoch, Math.max(this.sequence, other.sequence), senders);
  }

  toString(): string {
    const senders = [...this.senders].slice(-MOST_SENDERS).map(([tag, count]) => `:${tag}-${hex(count)}`);
    return `${this.epoch}-${hex(this.sequence)}${senders.join('')}`;
  }
}

function hex(value: number): string {
  return value.toString(16).toUpperCase();
}
