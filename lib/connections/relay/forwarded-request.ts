import type { RelayedAnswer, RelayPart } from '../../messaging/node-note.js';
import type { Channel, ChannelEnd, ChannelOwner } from '../../transports/channel.js';
import { Frame } from '../../transports/frame.js';
import { fromNoteData, sizeOf } from './note-data.js';
import type { LossKind, Relay, RelayHandler } from './relay.js';

/** What became of a request that was handed to another node. */
export type Outcome =
  | { readonly type: 'answer'; readonly answer: RelayedAnswer }
  /** The owner wanted a line to the client, and has it. */
  | { readonly type: 'accept' }
  /** The other node does not have the connection. */
  | { readonly type: 'absent' }
  /** Nothing more comes of the other node, or the client is gone. */
  | { readonly type: 'lost'; readonly kind: LossKind };

/**
 * Opens the line to the client, and hands it over at once: what the owner sends comes right behind. Not calling back means
 * that the client's request was not good for a line.
 */
export type OpenLine = (opened: (channel: Channel) => void) => void;

/** The front's end of a relay: this node has the client, another one serves it. */
export class ForwardedRequest implements RelayHandler, ChannelOwner {
  readonly outcome: Promise<Outcome>;
  private settle!: (outcome: Outcome) => void;
  private channel: Channel | undefined;
  /** Data of the owner that the channel has not passed on to the client. */
  private untaken = 0;
  private isPausedByOwner = false;
  private isPaused = false;
  private onRoomForBody: (() => void) | undefined;

  constructor(
    private readonly relay: Relay,
    private readonly openLine: OpenLine,
  ) {
    relay.handler = this;
    this.outcome = new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  /** Sends the body behind the request, as fast as the owner takes it. Stops when the owner wants no more. */
  async sendBody(body: AsyncIterable<Buffer>): Promise<void> {
    try {
      for await (const chunk of body) {
        if (!this.relay.isOpen) {
          return;
        }
        this.relay.send([chunk]);
        await this.roomForBody();
      }
      this.relay.tell({ part: 'bodyEnd' });
    } catch {
      // The client broke off: the owner must not take the rest for the whole.
      this.close(false);
    }
  }

  /**
   * The client has the answer (`taken`), or will never have it. An answer of which the owner hears that it was not taken
   * is not lost.
   */
  close(taken: boolean): void {
    this.relay.close({ part: 'over', clean: taken });
    this.end();
  }

  onPart(part: RelayPart): void {
    switch (part.part) {
      case 'answer':
        this.settle({ type: 'answer', answer: part.answer });
        break;
      case 'accept':
        this.accept();
        break;
      case 'absent':
        this.end({ type: 'absent' });
        break;
      case 'over':
        this.end();
        break;
      default:
        this.passOn(part);
    }
  }

  onLost(kind: LossKind): void {
    this.end({ type: 'lost', kind });
  }

  onRoom(): void {
    this.onRoomForBody?.();
    this.regulate();
  }

  onData(data: Buffer, isBinary: boolean): void {
    this.relay.send([isBinary ? data : data.toString()]);
    this.regulate();
  }

  onWritable(): void {
    this.relay.took(this.untaken);
    this.untaken = 0;
  }

  onEnd({ clean, error }: ChannelEnd): void {
    this.channel = undefined;
    this.relay.close({ part: 'over', clean, ...(error !== undefined && { error: error.message }) });
  }

  private accept(): void {
    this.openLine((channel) => {
      this.channel = channel;
      channel.owner = this;
    });
    if (this.channel === undefined) {
      this.relay.close({ part: 'over', clean: false });
    }
    this.settle({ type: 'accept' });
  }

  private passOn(part: RelayPart): void {
    const { channel } = this;
    switch (part.part) {
      case 'data':
        this.untaken += sizeOf(part.data);
        channel?.send(part.data.map((data) => new Frame(fromNoteData(data))));
        if (channel?.writable === true) {
          this.onWritable();
        }
        break;
      case 'keepAlive':
        channel?.keepAlive(new Frame(fromNoteData(part.data)));
        break;
      case 'pause':
      case 'resume':
        this.isPausedByOwner = part.part === 'pause';
        this.regulate();
        break;
      case 'end':
        channel?.end(part.code);
    }
  }

  private regulate(): void {
    const paused = this.isPausedByOwner || !this.relay.hasRoom;
    if (this.channel !== undefined && paused !== this.isPaused) {
      this.isPaused = paused;
      if (paused) {
        this.channel.pause();
      } else {
        this.channel.resume();
      }
    }
  }

  private async roomForBody(): Promise<void> {
    if (this.relay.isOpen && !this.relay.hasRoom) {
      await new Promise<void>((resolve) => {
        this.onRoomForBody = resolve;
      });
    }
  }

  /** Nothing more comes of the owner: whoever waits for it waits no longer. */
  private end(outcome: Outcome = { type: 'lost', kind: 'gone' }): void {
    this.settle(outcome);
    this.onRoomForBody?.();
    const { channel } = this;
    if (channel !== undefined) {
      this.channel = undefined;
      channel.owner = undefined;
      channel.destroy();
    }
  }
}
