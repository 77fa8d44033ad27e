import { ENCODED_MESSAGES } from './envelope.js';
import type { NumberedEnvelope } from './numbered-envelope.js';

/** The last messages of one topic: a ring that forgets the oldest when it is full. */
export class TopicLog {
  private readonly ring: NumberedEnvelope[] = [];
  private next = 0;
  /** Sequence number of the last message that was forgotten. */
  private forgotten = 0;

  constructor(private readonly capacity: number) {}

  append(envelope: NumberedEnvelope): void {
    if (this.ring.length < this.capacity) {
      this.ring.push(envelope);
    } else {
      this.forgotten = this.ring[this.next]?.sequence ?? this.forgotten;
      this.ring[this.next] = envelope;
      this.next = (this.next + 1) % this.capacity;
    }
    const { length } = this.ring;
    if (length > ENCODED_MESSAGES) {
      this.entry(ENCODED_MESSAGES + 1).forgetEncodings();
    }
  }

  /** One of the last messages: 1 is the last one. */
  private entry(back: number): NumberedEnvelope {
    const { length } = this.ring;
    return this.ring[(this.next + length - back) % length] as NumberedEnvelope;
  }

  /** Sequence number of the last message; 0 if there is none. */
  get last(): number {
    return this.ring.length === 0 ? 0 : this.entry(1).sequence;
  }

  /** True if everything that was appended after a sequence number is still here. */
  reachesBackTo(sequence: number): boolean {
    return sequence >= this.forgotten;
  }

  /** What was appended after a sequence number, oldest first. Few have missed much, so the search begins at the end. */
  after(sequence: number): readonly NumberedEnvelope[] {
    const { length } = this.ring;
    const missed: NumberedEnvelope[] = [];
    for (let back = 1; back <= length; back++) {
      const entry = this.entry(back);
      if (entry.sequence <= sequence) {
        break;
      }
      missed.push(entry);
    }
    return missed.reverse();
  }
}
