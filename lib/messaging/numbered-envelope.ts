import { Envelope, type Message } from './envelope.js';
import type { Topic } from './topics.js';

const UNWRITTEN = '';

/** A message in the log of one process, where its place is a number. */
export class NumberedEnvelope extends Envelope {
  constructor(
    topic: Topic,
    message: Message,
    private readonly epoch: string,
    readonly sequence: number,
  ) {
    super(topic, message, UNWRITTEN);
  }

  /** Put into words for who asks: clients of the Core protocol never do. */
  override get position(): string {
    if (this.place === UNWRITTEN) {
      this.place = cursorOf(this.epoch, this.sequence);
    }
    return this.place;
  }
}

/** A place in the log as clients know it. */
export function cursorOf(epoch: string, sequence: number): string {
  return `${epoch}-${sequence.toString(16).toUpperCase()}`;
}
