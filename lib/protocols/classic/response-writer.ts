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

  write(items: readonly ClassicItem[]): Frame[] {
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

  /** A response without messages. @param reconnect tells the client to come back: the server is going away. */
  empty(reconnect = false): Frame {
    return this.respond('', reconnect);
  }

  private close(batch: readonly ClassicMessage[] | undefined, frames: Frame[]): void {
    if (batch === undefined) {
      return;
    }
    const last = batch.at(-1);
    this.cursor = last?.position ?? this.cursor;
    frames.push(this.shared(batch) ?? this.respond(batch.map(({ data }) => data).join(',')));
  }

  /** One message with nothing else to say needs no response of its own: its receivers share one. */
  private shared(batch: readonly ClassicMessage[]): Frame | undefined {
    const hasNews = this.announceInit || this.head.pollDelay !== undefined || this.head.hasGroupsToken;
    return batch.length === 1 && !hasNews ? batch[0]?.frame : undefined;
  }

  private respond(messages: string, reconnect = false): Frame {
    const initialized = this.announceInit;
    this.announceInit = false;
    return new Frame(
      persistentResponse({
        cursor: this.cursor,
        initialized,
        reconnect,
        groupsToken: this.head.takeGroupsToken(),
        pollDelay: this.head.pollDelay,
        messages,
      }),
    );
  }
}
