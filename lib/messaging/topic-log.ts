import type { Envelope } from './envelope.js';

/** The last messages of one topic: a ring that forgets the oldest when it is full. */
export class TopicLog {
  private readonly ring: Entry[] = [];
  private next = 0;

  constructor(private readonly capacity: number) {}

  append(sequence: number, envelope: Envelope): void {
    if (this.ring.length < this.capacity) {
      this.ring.push({ sequence, envelope });
    } else {
      this.ring[this.next] = { sequence, envelope };
      this.next = (this.next + 1) % this.capacity;
    }
  }

  /** What was appended after a sequence number, oldest first. */
  *after(sequence: number): IterableIterator<Entry> {
    for (let index = 0; index < this.ring.length; index++) {
      const entry = this.ring[(this.next + index) % this.ring.length];
      if (entry !== undefined && entry.sequence > sequence) {
        yield entry;
      }
    }
  }
}

interface Entry {
  readonly sequence: number;
  readonly envelope: Envelope;
}
