import { type CoreLine, type CoreTransportName, openLine, SocketLine } from './core-lines.js';
import { http } from './http.js';
import type { RawWebSocket } from './web-socket.js';

export const RS = '\u001e';

/** What negotiate answers. */
export interface CoreNegotiation {
  readonly negotiateVersion: number;
  readonly connectionId: string;
  readonly connectionToken?: string;
  readonly error?: string;
  readonly availableTransports: readonly { transport: string; transferFormats: string[] }[];
}

/** A hub message as JSON. */
export type CoreFrame = Record<string, unknown>;

/** A Core client that sends and shows every byte itself. */
export class RawCoreClient {
  private buffered = '';

  private constructor(
    readonly line: CoreLine,
    readonly connectionId: string | undefined,
    /** What its requests are known by. */
    readonly token = '',
  ) {}

  /** The socket of a client that has one. */
  get socket(): RawWebSocket {
    if (this.line instanceof SocketLine) {
      return this.line.socket;
    }
    throw new Error('this client has no WebSocket');
  }

  static async negotiate(
    hubUrl: string,
    query = 'negotiateVersion=1',
    headers: Record<string, string> = {},
  ): Promise<CoreNegotiation> {
    const answer = await http('POST', `${hubUrl}/negotiate?${query}`, { headers });
    return JSON.parse(answer.body) as CoreNegotiation;
  }

  /** Negotiates and opens the transport; the handshake is left to the test. */
  static async open(
    hubUrl: string,
    headers: Record<string, string> = {},
    query = '',
    transport: CoreTransportName = 'WebSockets',
  ): Promise<RawCoreClient> {
    const { connectionToken, connectionId } = await RawCoreClient.negotiate(
      hubUrl,
      'negotiateVersion=1',
      headers,
    );
    const url = `${hubUrl}?id=${connectionToken}${query === '' ? '' : `&${query}`}`;
    return new RawCoreClient(await openLine(transport, url, headers), connectionId, connectionToken);
  }

  /** Opens the transport with what negotiation gave; the handshake is left to the test. */
  static async at(transport: CoreTransportName, hubUrl: string, id: string): Promise<RawCoreClient> {
    return new RawCoreClient(await openLine(transport, `${hubUrl}?id=${id}`), id, id);
  }

  /** Opens the socket without negotiation. */
  static async openDirectly(hubUrl: string, headers: Record<string, string> = {}): Promise<RawCoreClient> {
    return new RawCoreClient(await SocketLine.open(hubUrl, headers), undefined);
  }

  /** Negotiates, opens the transport and shakes hands. */
  static async connect(
    hubUrl: string,
    headers: Record<string, string> = {},
    query = '',
    transport: CoreTransportName = 'WebSockets',
  ): Promise<RawCoreClient> {
    const client = await RawCoreClient.open(hubUrl, headers, query, transport);
    await client.shakeHands();
    return client;
  }

  async shakeHands(): Promise<void> {
    this.line.send(`{"protocol":"json","version":1}${RS}`);
    const answer = await this.nextRecord('the handshake answer');
    if (answer !== '{}') {
      throw new Error(`the handshake was refused: ${answer}`);
    }
  }

  /** Sends messages in one frame or POST, each as it is written, with its separator. */
  send(...messages: (CoreFrame | string)[]): void {
    this.line.send(
      messages
        .map((message) => (typeof message === 'string' ? message : JSON.stringify(message)) + RS)
        .join(''),
    );
  }

  /** The text of the next message, pings included. */
  async nextRecord(what = 'a message'): Promise<string> {
    while (!this.buffered.includes(RS)) {
      this.buffered += await this.line.nextText(what);
    }
    const end = this.buffered.indexOf(RS);
    const record = this.buffered.slice(0, end);
    this.buffered = this.buffered.slice(end + 1);
    return record;
  }

  /** The next message that is no ping. */
  async next(what = 'a message'): Promise<CoreFrame> {
    for (;;) {
      const message = JSON.parse(await this.nextRecord(what)) as CoreFrame;
      if (message.type !== 6) {
        return message;
      }
    }
  }

  private calls = 0;

  /** Calls a method and gives the completion. Calls of client methods that come before it are passed over. */
  async invoke(target: string, ...args: unknown[]): Promise<CoreFrame> {
    const invocationId = `${this.calls++}`;
    this.send({ type: 1, invocationId, target, arguments: args });
    for (;;) {
      const message = await this.next(`the completion of ${target}`);
      if (message.type === 3 && message.invocationId === invocationId) {
        return message;
      }
    }
  }

  /** Waits until everything sent so far has been handled. Needs a hub method `ping`. */
  async settle(): Promise<void> {
    await this.invoke('ping');
  }

  close(): void {
    this.line.close();
  }
}
