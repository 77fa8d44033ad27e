import type { CoreMessage } from './core-message.js';
import { ProtocolError } from './messages.js';

/**
 * What makes a connection stateful (signalr-core §2.6): it counts messages in both directions and keeps what the client has
 * not acknowledged, so that a lost socket can be replaced without a message lost or doubled.
 */
export class MessageBuffer {
  /** What was sent and not acknowledged, oldest first. */
  private kept: CoreMessage[] = [];
  private keptBytes = 0;
  private lastSent = 0;
  /** The number of the next message of the client. */
  private expected = 1;
  private highestReceived = 0;
  private lastAcknowledged = 0;

  /** @param limit bytes that may be kept before messages have to wait; the one that crosses it is still sent. */
  constructor(private readonly limit: number) {}

  /** True if the client has acknowledged everything. */
  get isEmpty(): boolean {
    return this.kept.length === 0;
  }

  /** True while nothing more may be sent. */
  get isFull(): boolean {
    return this.keptBytes > this.limit;
  }

  /** Keeps messages that are going to be sent, as far as there is room. @returns how many may be sent */
  keep(messages: readonly CoreMessage[]): number {
    let count = 0;
    for (const message of messages) {
      if (this.isFull) {
        break;
      }
      if (message.isCounted) {
        this.lastSent++;
        this.kept.push(message);
        this.keptBytes += message.data.length;
      }
      count++;
    }
    return count;
  }

  /** The number of the first message that a returning client gets. */
  get resumesAt(): number {
    return this.lastSent - this.kept.length + 1;
  }

  /** What a returning client gets. */
  get unacknowledged(): readonly CoreMessage[] {
    return this.kept;
  }

  /** The client has everything up to a number. @throws ProtocolError if that was never sent */
  acknowledge(sequenceId: number): void {
    if (sequenceId > this.lastSent) {
      throw new ProtocolError('Ack for a message that was not sent.');
    }
    for (const message of this.kept.splice(0, Math.max(0, sequenceId - this.resumesAt + 1))) {
      this.keptBytes -= message.data.length;
    }
  }

  /** Counts a message of the client; false if it has been received before. */
  receive(): boolean {
    const number = this.expected++;
    if (number <= this.highestReceived) {
      return false;
    }
    this.highestReceived = number;
    return true;
  }

  /** The client says which number its next message has. @throws ProtocolError if that cannot be */
  resume(sequenceId: number): void {
    if (sequenceId > this.expected) {
      throw new ProtocolError(`Sequence ID greater than amount of messages we've received.`);
    }
    if (sequenceId < 1) {
      throw new ProtocolError('Sequence IDs begin at 1.');
    }
    this.expected = sequenceId;
  }

  /** What the client is to be told that it has reached us; undefined if it knows. */
  takeAcknowledgement(): number | undefined {
    if (this.highestReceived === this.lastAcknowledged) {
      return undefined;
    }
    this.lastAcknowledged = this.highestReceived;
    return this.lastAcknowledged;
  }
}
