import { Envelope, type Message } from '../messaging/envelope.js';
import type { Topic } from '../messaging/topics.js';

/** Position of messages that no connection has got live. */
export const NOT_DELIVERED = '';

/** A message of which is known who sent it, and where it stands in the log once Redis has accepted it. */
export class LoggedEnvelope extends Envelope {
  constructor(
    topic: Topic,
    message: Message,
    position: string,
    /** Tag of the node that sent it. */
    readonly sender: string,
    /** As which of the sender's messages. */
    readonly count: number,
    /** Undefined as long as Redis has not accepted it. */
    public sequence: number | undefined,
  ) {
    super(topic, message, position);
  }

  /** The same message for a connection that has seen something else than others who get it. */
  at(position: string): LoggedEnvelope {
    return new LoggedEnvelope(this.topic, this.message, position, this.sender, this.count, this.sequence);
  }
}
