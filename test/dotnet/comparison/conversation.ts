import { RawCoreClient, RS } from '../../support/core-client.js';
import { type CoreLine, type CoreTransportName, openLine, SocketLine } from '../../support/core-lines.js';
import { normalized } from './normalized.js';

const DEADLINE = 8_000;

/** How a connection is opened. */
export interface Opening {
  readonly transport?: CoreTransportName;
  /** Query of the connection, besides its token. */
  readonly query?: string;
  readonly negotiateQuery?: string;
  readonly headers?: Record<string, string>;
}

/** A connection to either server: whatever comes is kept, in its order. */
export class Conversation {
  private text = '';
  private hasEnded = false;
  private wake: () => void = () => undefined;

  private constructor(
    private readonly line: CoreLine,
    /** Url of the connection, with its token. */
    readonly url: string,
    readonly connectionId: string,
  ) {
    void this.receive();
    void line.ended.then(() => {
      // What came with the end is taken before it.
      setImmediate(() => {
        this.hasEnded = true;
        this.wake();
      });
    });
  }

  /** Negotiates and opens the transport, without a handshake. */
  static async open(
    hub: string,
    { transport = 'WebSockets', query, negotiateQuery = 'negotiateVersion=1', headers = {} }: Opening = {},
  ): Promise<Conversation> {
    const negotiation = await RawCoreClient.negotiate(hub, negotiateQuery, headers);
    const { connectionId, connectionToken = connectionId } = negotiation;
    const url = `${hub}?id=${connectionToken}${query === undefined ? '' : `&${query}`}`;
    return new Conversation(await openLine(transport, url, headers), url, connectionId);
  }

  /** The same with a handshake. */
  static async start(hub: string, opening: Opening = {}): Promise<Conversation> {
    const conversation = await Conversation.open(hub, opening);
    conversation.send('{"protocol":"json","version":1}');
    await conversation.until((records) => records.length > 0, 'the answer to the handshake');
    conversation.text = conversation.text.slice(conversation.text.indexOf(RS) + 1);
    return conversation;
  }

  /** Sends messages together, each with its separator. */
  send(...messages: readonly string[]): void {
    this.line.send(messages.map((message) => message + RS).join(''));
  }

  /** Sends bytes as they are. */
  sendRaw(data: string | Buffer): void {
    this.line.send(data);
  }

  /** Every complete message that has come. */
  get records(): readonly string[] {
    return this.text.split(RS).slice(0, -1).map(normalized);
  }

  /** What has come as it came, ids included. */
  get rawText(): string {
    return this.text;
  }

  /** What came after the last complete message. */
  get rest(): string {
    return this.text.slice(this.text.lastIndexOf(RS) + 1);
  }

  /** Leaves out of the report what has come so far. */
  forget(): void {
    this.text = this.rest;
  }

  /** Resolves when the condition holds for what has come, or the line has ended. */
  async until(condition: (records: readonly string[]) => boolean, what: string): Promise<void> {
    const deadline = setTimeout(() => this.wake(), DEADLINE);
    const began = performance.now();
    while (!condition(this.records) && !this.hasEnded) {
      if (performance.now() - began >= DEADLINE) {
        throw new Error(`${what} did not come; there was ${JSON.stringify(this.text)}`);
      }
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    clearTimeout(deadline);
  }

  /** Waits for a message that contains a text, or for the end. */
  untilHas(part: string): Promise<void> {
    return this.until((records) => records.some((record) => record.includes(part)), part);
  }

  /** Calls a method and waits for the answer; shows that the connection lives and has handled everything before. */
  async settle(): Promise<void> {
    this.send('{"type":1,"invocationId":"settle","target":"Nothing","arguments":[]}');
    await this.untilHas('"invocationId":"settle"');
  }

  /** Waits for the server to end the connection. */
  async untilEnd(): Promise<void> {
    await this.until(() => false, 'the end');
  }

  get isOver(): boolean {
    return this.hasEnded;
  }

  /** What came, and how it ended if it has. */
  async report(): Promise<readonly string[]> {
    if (!this.hasEnded) {
      return this.records;
    }
    const rest = this.rest === '' ? [] : [`unfinished: ${this.rest}`];
    const end =
      this.line instanceof SocketLine ? `closed with ${(await this.line.socket.closed).code}` : 'ended';
    return [...this.records, ...rest, end];
  }

  /** Breaks the line without a word. */
  drop(): void {
    if (this.line instanceof SocketLine) {
      this.line.socket.destroy();
    } else {
      this.line.close();
    }
  }

  /** Closes a socket with a code. */
  close(code?: number): void {
    (this.line as SocketLine).socket.close(code);
  }

  private async receive(): Promise<void> {
    while (!this.hasEnded) {
      // The line has a deadline of its own; here nothing needs to come.
      const text = await this.line.nextText().catch(() => '');
      this.text += text;
      this.wake();
    }
  }
}
