import { http } from './http.js';
import { HttpStream } from './http-stream.js';
import { Inbox } from './inbox.js';
import { RawWebSocket } from './web-socket.js';

/** The transports of Core clients, in the order of negotiation. */
export const coreTransports = ['WebSockets', 'ServerSentEvents', 'LongPolling'] as const;
export type CoreTransportName = (typeof coreTransports)[number];

/** What a Core client receives and sends by, whatever the transport. */
export interface CoreLine {
  send(data: string | Buffer): void;
  /** The next text that has come, of any length. */
  nextText(what?: string): Promise<string>;
  /** Resolves when the server has ended the line. */
  readonly ended: Promise<void>;
  /** Leaves, as far as possible with a word. */
  close(): void;
}

/** Opens a line with a token. */
export function openLine(
  transport: CoreTransportName,
  url: string,
  headers: Record<string, string> = {},
): Promise<CoreLine> {
  switch (transport) {
    case 'WebSockets':
      return SocketLine.open(url, headers);
    case 'ServerSentEvents':
      return StreamLine.open(url, headers);
    case 'LongPolling':
      return PollLine.open(url, headers);
  }
}

/** A WebSocket. */
export class SocketLine implements CoreLine {
  readonly ended: Promise<void>;

  private constructor(readonly socket: RawWebSocket) {
    this.ended = socket.closed.then(() => undefined);
  }

  static async open(url: string, headers: Record<string, string>): Promise<SocketLine> {
    return new SocketLine(await RawWebSocket.open(url.replace(/^http/, 'ws'), headers));
  }

  send(data: string | Buffer): void {
    this.socket.send(data);
  }

  nextText(what?: string): Promise<string> {
    return this.socket.nextText(what);
  }

  close(): void {
    this.socket.close();
  }
}

/** Posts one after another, as clients do. */
class Poster {
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly url: string,
    private readonly headers: Record<string, string>,
  ) {}

  send(body: string | Buffer): void {
    // A client that leaves does not wait for the answers to what it has sent.
    this.last = this.last.then(() =>
      http('POST', this.url, { headers: this.headers, body }).catch(() => undefined),
    );
  }
}

const EVENT_END = '\r\n\r\n';
const EVENT_DEADLINE = 5_000;

/** An event stream, and POSTs. */
class StreamLine implements CoreLine {
  readonly ended: Promise<void>;
  private read = ':\r\n'.length;
  private readonly poster: Poster;

  private constructor(
    private readonly stream: HttpStream,
    url: string,
    headers: Record<string, string>,
  ) {
    this.ended = stream.ended.then(() => undefined);
    this.poster = new Poster(url, headers);
  }

  static async open(url: string, headers: Record<string, string>): Promise<StreamLine> {
    const stream = await HttpStream.open('GET', url, {
      headers: { ...headers, Accept: 'text/event-stream' },
    });
    return new StreamLine(stream, url, headers);
  }

  send(data: string | Buffer): void {
    this.poster.send(data);
  }

  async nextText(what = 'an event'): Promise<string> {
    for (;;) {
      const end = this.stream.body.indexOf(EVENT_END, this.read);
      if (end >= 0) {
        const lines = this.stream.body.slice(this.read, end).split('\r\n');
        this.read = end + EVENT_END.length;
        return lines.map((line) => line.replace(/^data: /, '')).join('\n');
      }
      await this.stream.more(what, EVENT_DEADLINE);
    }
  }

  close(): void {
    this.stream.destroy();
  }
}

/** Polls, one after another, and POSTs. */
class PollLine implements CoreLine {
  readonly ended: Promise<void>;
  private readonly bodies = new Inbox<string>();
  private readonly poster: Poster;
  private isClosed = false;
  private held: HttpStream | undefined;

  private constructor(
    private readonly url: string,
    private readonly headers: Record<string, string>,
  ) {
    this.poster = new Poster(url, headers);
    this.ended = this.pollOn();
  }

  static async open(url: string, headers: Record<string, string>): Promise<PollLine> {
    const first = await http('GET', url, { headers });
    if (first.status !== 200) {
      throw new Error(`the first poll was answered with ${first.status}`);
    }
    return new PollLine(url, headers);
  }

  send(data: string | Buffer): void {
    this.poster.send(data);
  }

  nextText(what = 'the answer of a poll'): Promise<string> {
    return this.bodies.next(what);
  }

  /** Drops the poll and says goodbye by DELETE. */
  close(): void {
    this.isClosed = true;
    this.held?.destroy();
    void http('DELETE', this.url, { headers: this.headers }).catch(() => undefined);
  }

  private async pollOn(): Promise<void> {
    while (!this.isClosed) {
      try {
        this.held = await HttpStream.open('GET', this.url, { headers: this.headers });
      } catch {
        return;
      }
      const body = await this.held.ended;
      if (this.held.status !== 200) {
        return;
      }
      if (body !== '') {
        this.bodies.put(body);
      }
    }
  }
}
