import type { RelayPart } from '../../messaging/node-note.js';
import type { ChannelEnd, ChannelOwner, LastingChannel, TransportName } from '../../transports/channel.js';
import type { Frame } from '../../transports/frame.js';
import { fromNoteData, sizeOf, toNoteData } from './note-data.js';
import type { Relay, RelayHandler } from './relay.js';

/** How much of what waits goes into one note, in characters or bytes, unless a single frame is larger, or the window smaller. */
const BATCH = 65_536;

/** A channel to a client whose line ends at another node. */
export class RelayedChannel implements LastingChannel, RelayHandler {
  owner: ChannelOwner | undefined;
  readonly whenClosed: Promise<void>;
  private markClosed!: () => void;
  private isAnswered = false;
  private isOver = false;
  private isPaused = false;
  /** Frames that wait until the other node has passed on what it has: what a slow client costs is kept here. */
  private readonly waiting: Frame[] = [];
  private ending: { readonly code: number | undefined } | undefined;
  /** What has arrived while nothing is to be read. */
  private readonly held: (RelayPart & { readonly part: 'data' })[] = [];

  constructor(
    readonly transport: TransportName,
    private readonly relay: Relay,
  ) {
    relay.handler = this;
    this.whenClosed = new Promise((resolve) => {
      this.markClosed = resolve;
    });
    if (!relay.isOpen) {
      queueMicrotask(() => this.over({ clean: false }));
    }
  }

  get writable(): boolean {
    return this.relay.isOpen && !this.isAnswered && this.waiting.length === 0 && this.relay.hasRoom;
  }

  send(frames: readonly Frame[]): void {
    if (this.isAnswered) {
      return;
    }
    this.waiting.push(...frames);
    this.pump();
    if (this.transport === 'longPolling') {
      // A poll ends with its first frame; whether the client has it is told by the cursor that it brings next time.
      this.isAnswered = true;
      this.over({ clean: true });
    }
  }

  keepAlive({ data }: Frame): void {
    this.relay.tell({ part: 'keepAlive', data: toNoteData(data) });
  }

  pause(): void {
    this.isPaused = true;
    this.relay.tell({ part: 'pause' });
  }

  resume(): void {
    this.isPaused = false;
    this.relay.tell({ part: 'resume' });
    while (!this.isPaused && this.held.length > 0) {
      this.take(this.held.shift() as (typeof this.held)[number]);
    }
  }

  end(code?: number): void {
    this.ending = { code };
    this.pump();
  }

  destroy(): void {
    this.relay.close({ part: 'over', clean: false });
    queueMicrotask(() => this.over({ clean: false }));
  }

  onPart(part: RelayPart): void {
    if (part.part === 'over') {
      this.over({
        clean: part.clean,
        ...(part.error !== undefined && { error: new Error(part.error) }),
      });
    } else if (part.part === 'data') {
      if (this.isPaused) {
        // On its way already when the client was told to wait; the window of the relay bounds how much.
        this.held.push(part);
      } else {
        this.take(part);
      }
    }
  }

  onRoom(): void {
    this.pump();
    if (this.writable) {
      this.owner?.onWritable();
    }
  }

  onLost(): void {
    this.over({ clean: false });
  }

  private pump(): void {
    while (this.waiting.length > 0 && this.relay.isOpen && this.relay.hasRoom) {
      this.relay.send(this.waiting.splice(0, this.nextBatch()).map(({ data }) => data));
    }
    if (this.ending !== undefined && this.waiting.length === 0) {
      const { code } = this.ending;
      this.ending = undefined;
      this.relay.tell({ part: 'end', ...(code !== undefined && { code }) });
    }
  }

  /** So many frames leave together. */
  private nextBatch(): number {
    let size = 0;
    const batch = Math.min(BATCH, this.relay.window);
    const count = this.waiting.findIndex(({ data }) => (size += data.length) > batch);
    return count < 0 ? this.waiting.length : Math.max(1, count);
  }

  private take({ data: pieces }: RelayPart & { readonly part: 'data' }): void {
    for (const piece of pieces) {
      const data = fromNoteData(piece);
      this.owner?.onData(typeof data === 'string' ? Buffer.from(data) : data, typeof data !== 'string');
    }
    this.relay.took(sizeOf(pieces));
  }

  private over(end: ChannelEnd): void {
    if (!this.isOver) {
      this.isOver = true;
      this.waiting.length = 0;
      // What the client has said before it went.
      this.held.splice(0).forEach((part) => this.take(part));
      this.markClosed();
      this.owner?.onEnd(end);
    }
  }
}
