import type { Replay, ReplayScreen } from '../../messaging/backplane.js';
import type { Envelope } from '../../messaging/envelope.js';
import type { Channel } from '../../transports/channel.js';

/** The connection whose messages they are. */
export interface LiveMessagesOwner {
  /** More waited than may: the client has to come back once more. */
  overflowed(): void;
}

/** What arrives for a client now, kept in step with what it has missed: nothing twice, and nothing out of order. */
export class LiveMessages {
  /** Messages that arrive while the past is being replayed for a channel; another one that takes over begins anew. */
  private held: { readonly channel: Channel; envelopes: Envelope[] } | undefined;
  /** What messages have to pass that may have reached the client on another node. */
  private screen: ReplayScreen | undefined;

  constructor(
    private readonly owner: LiveMessagesOwner,
    /** How many messages may wait during a long replay. */
    private readonly limit: number,
  ) {}

  /** Messages wait from now on. */
  hold(channel: Channel): void {
    this.held = { channel, envelopes: [] };
  }

  /** The message as the client is to get it now; undefined if it has to wait, or has reached the client already. */
  admit(envelope: Envelope): Envelope | undefined {
    const { held } = this;
    if (held === undefined) {
      return this.screen === undefined ? envelope : this.screen.admit(envelope);
    }
    if (held.envelopes.push(envelope) > this.limit) {
      held.envelopes = [];
      this.owner.overflowed();
    }
    return undefined;
  }

  /** Messages do not wait any more. @returns those that did; none if another channel has taken over */
  release(channel: Channel): readonly Envelope[] {
    if (this.held?.channel !== channel) {
      return [];
    }
    const { envelopes } = this.held;
    this.held = undefined;
    return envelopes;
  }

  /** Nobody waits for anything here any more. */
  drop(): void {
    this.held = undefined;
  }

  /** The past is known. @returns what of the messages that waited does not belong to it */
  goOn(waited: readonly Envelope[], { envelopes, screen }: Replay): readonly Envelope[] {
    this.screen = screen?.isLasting === true ? screen : undefined;
    if (waited.length === 0) {
      return waited;
    }
    if (screen !== undefined) {
      return waited.map((envelope) => screen.admit(envelope)).filter((envelope) => envelope !== undefined);
    }
    const replayed = new Set(envelopes.map(({ position }) => position));
    return waited.filter(({ position }) => !replayed.has(position));
  }
}
