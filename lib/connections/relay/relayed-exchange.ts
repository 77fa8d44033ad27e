import type { NoteData, RelayedAnswer, RelayedRequest, RelayPart } from '../../messaging/node-note.js';
import type { TransportName } from '../../transports/channel.js';
import { BodyError } from '../../transports/http.js';
import type { PollResponse } from '../../transports/poll-sequence.js';
import { fromNoteData, sizeOf } from './note-data.js';
import type { Relay, RelayHandler } from './relay.js';
import { RelayedChannel } from './relayed-channel.js';
import { type AnswerLine, RelayedResponse } from './relayed-response.js';

interface Piece {
  readonly data: Buffer;
  readonly size: number;
}

/** The owner's end of a relay: another node has the client, and this one serves its request. */
export class RelayedExchange implements RelayHandler, AnswerLine {
  private readonly pieces: Piece[] = [];
  private isWhole = false;
  private isOver = false;
  /** True if it ended without a word of the other node. */
  private isInterrupted = false;
  private wake: (() => void) | undefined;
  private onOver: ((clean: boolean, isInterrupted: boolean) => void) | undefined;

  constructor(
    private readonly relay: Relay,
    readonly request: RelayedRequest,
  ) {
    relay.handler = this;
  }

  /** The node that has the client. */
  get front(): string {
    return this.relay.peer;
  }

  /** There is no such connection here. */
  absent(): void {
    this.relay.close({ part: 'absent' });
  }

  /**
   * @param onOver called once, when the client has the answer (true) or will never have it; if the conversation was interrupted,
   * nobody knows.
   */
  answer(answer: RelayedAnswer, onOver?: (taken: boolean, isInterrupted: boolean) => void): void {
    this.onOver = onOver;
    if (this.relay.isOpen) {
      this.relay.tell({ part: 'answer', answer });
    } else {
      queueMicrotask(() => this.over(false));
    }
  }

  /** A response for what answers later, such as a poll. */
  response(): PollResponse {
    const response = new RelayedResponse(this);
    this.onOver = () => response.lost(this.isInterrupted);
    return response;
  }

  /** A line to the client. */
  openChannel(transport: TransportName): RelayedChannel {
    this.relay.tell({ part: 'accept' });
    return new RelayedChannel(transport, this.relay);
  }

  /** The body, as it arrives. @throws BodyError if the rest of it will never come */
  async *body(): AsyncGenerator<Buffer, void> {
    for (;;) {
      const piece = this.pieces.shift();
      if (piece !== undefined) {
        yield piece.data;
        this.relay.took(piece.size);
      } else if (this.isWhole) {
        return;
      } else if (this.isOver) {
        throw new BodyError(400);
      } else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    }
  }

  /** Breaks off without an answer. */
  abort(): void {
    this.relay.close({ part: 'over', clean: false });
    this.over(false);
  }

  onPart(part: RelayPart): void {
    switch (part.part) {
      case 'data':
        this.pieces.push(...part.data.map(toPiece));
        this.wake?.();
        break;
      case 'bodyEnd':
        this.isWhole = true;
        this.wake?.();
        break;
      case 'over':
        this.over(part.clean);
    }
  }

  onLost(): void {
    this.isInterrupted = true;
    this.over(false);
  }

  /** Bodies are read here, not sent. */
  onRoom(): void {}

  private over(clean: boolean): void {
    if (!this.isOver) {
      this.isOver = true;
      this.wake?.();
      this.onOver?.(clean, this.isInterrupted);
    }
  }
}

function toPiece(noted: NoteData): Piece {
  const data = fromNoteData(noted);
  return { data: typeof data === 'string' ? Buffer.from(data) : data, size: sizeOf([noted]) };
}
