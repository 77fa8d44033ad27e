import type { ReplayScreen } from '../messaging/backplane.js';
import type { Envelope } from '../messaging/envelope.js';
import { Cursor } from './cursor.js';
import { LoggedEnvelope } from './logged-envelope.js';

/** Keeps from a connection what it has seen on another node, or gets by its replay. */
export class SeenScreen implements ReplayScreen {
  /** Messages of other nodes may arrive much later: when those nodes reach Redis again. */
  readonly isLasting: boolean;

  /**
   * @param seen what the connection has seen after the replay.
   * @param after what it had seen before.
   * @param tag the own node, and count of the last message of it that the replay has taken into account.
   */
  constructor(
    private readonly seen: Cursor,
    private readonly after: Cursor,
    private readonly tag: string,
    private readonly lastCount: number,
  ) {
    this.isLasting = [...seen.senders.keys()].some((sender) => sender !== tag);
  }

  admit(envelope: Envelope): Envelope | undefined {
    if (!(envelope instanceof LoggedEnvelope)) {
      return envelope;
    }
    if (envelope.sender === this.tag ? envelope.count <= this.lastCount : this.isSeen(envelope)) {
      return undefined;
    }
    return this.place(envelope);
  }

  /** The message with a position that tells also of what this connection has seen besides. */
  place(envelope: LoggedEnvelope): LoggedEnvelope {
    const position = Cursor.parse(envelope.position, this.seen.epoch)?.and(this.seen).toString();
    return position === undefined || position === envelope.position ? envelope : envelope.at(position);
  }

  private isSeen(envelope: LoggedEnvelope): boolean {
    return this.seen.covers(envelope) || envelope.count <= (this.after.senders.get(envelope.sender) ?? 0);
  }
}
