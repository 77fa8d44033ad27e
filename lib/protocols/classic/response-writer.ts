import { Frame } from '../../transports/frame.js';
import { type ClassicItem, type ClassicMessage, persistentResponse } from './codec.js';

/** What the head of a response may have to say besides the cursor. */
export interface ResponseHead {
  /** True after the membership has changed. */
  readonly hasGroupsToken: boolean;
  /** The new groups token, once; undefined if the client's is up to date. */
  takeGroupsToken(): string | undefined;
  /** What a polling client waits before the next poll, in milliseconds; undefined on other transports. */
  readonly pollDelay: number | undefined;
}

/** What a client is told with the last response of a line. */
export interface Farewell {
  /** The server is going away, and the client is to come back: to it or to another one. */
  readonly reconnect?: boolean;
  /** The client is not to come back, and why. */
  readonly dismissal?: string;
}

/** Puts what waits for one client into frames: messages into responses, everything else as it is. */
export class ResponseWriter {
  private announceInit = false;

  constructor(
    private readonly head: ResponseHead,
    /** Position of the last message that was written: what the client brings back when it returns. */
    public cursor: string,
  ) {}

  /** The next response says that the connection is initialized (signalr-2 §5.1). */
  initialize(): void {
    this.announceInit = true;
  }

  /**
   * Until it has got something on a new line, its client is told no other cursor than it came with: the last one that was
   * written here may be older, because the client has been elsewhere since, and it would get everything twice.
   *
   * @param cursor may be anything, and goes back as it came.
   */
  continueAt(cursor: string): void {
    this.cursor = /^[\w-]*$/.test(cursor) ? cursor : JSON.stringify(cursor).slice(1, -1);
  }

  write(items: readonly ClassicItem[]): Frame[] {
    const only = items[0];
    const ready = items.length === 1 && only !== undefined ? this.readyFrame(only) : undefined;
    return ready === undefined ? this.writeAll(items) : [ready];
  }

  private writeAll(items: readonly ClassicItem[]): Frame[] {
    const frames: Frame[] = [];
    let batch: ClassicMessage[] | undefined;
    for (const item of items) {
      if (item.kind === 'bare') {
        this.close(batch, frames);
        batch = undefined;
        frames.push(item.frame);
      } else {
        batch ??= [];
        if (item.kind === 'message') {
          batch.push(item);
        }
      }
    }
    this.close(batch, frames);
    return frames;
  }

  /** A response without messages. */
  empty(farewell: Farewell = {}): Frame {
    return this.respond('', farewell);
  }

  private close(batch: readonly ClassicMessage[] | undefined, frames: Frame[]): void {
    if (batch === undefined) {
      return;
    }
    const last = batch.at(-1);
    this.cursor = last?.position ?? this.cursor;
    const ready = batch.length === 1 && last !== undefined ? this.readyFrame(last) : undefined;
    frames.push(ready ?? this.respond(batch.map(({ data }) => data).join(',')));
  }

  /** The frame of an item that needs no response of its own: all receivers of a message with nothing else to say share one. */
  private readyFrame(item: ClassicItem): Frame | undefined {
    if (item.kind === 'bare') {
      return item.frame;
    }
    if (item.kind === 'envelope' || this.hasNews) {
      return undefined;
    }
    this.cursor = item.position;
    return item.frame;
  }

  /** True if a response has to say more than its messages. */
  private get hasNews(): boolean {
    return this.announceInit || this.head.pollDelay !== undefined || this.head.hasGroupsToken;
  }

  private respond(messages: string, { reconnect, dismissal }: Farewell = {}): Frame {
    const initialized = this.announceInit;
    this.announceInit = false;
    return new Frame(
      persistentResponse({
        cursor: this.cursor,
        initialized,
        reconnect: reconnect === true,
        dismissal,
        groupsToken: this.head.takeGroupsToken(),
        pollDelay: this.head.pollDelay,
        messages,
      }),
    );
  }
}
