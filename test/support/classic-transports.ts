import type { ClassicFrame, RawClassicClient } from './classic-client.js';
import { http, type RawAnswer } from './http.js';
import { HttpStream } from './http-stream.js';
import type { RawWebSocket } from './web-socket.js';

/** The transports of classic clients, each opened and read in its own way. */
export const classicTransports = ['webSockets', 'serverSentEvents', 'foreverFrame', 'longPolling'] as const;
export type ClassicTransportName = (typeof classicTransports)[number];

/** A classic client that receives over any transport and sends by `/send`, or by its socket. */
export class TransportClient {
  cursor: string | undefined;
  groupsToken: string | undefined;
  /** How many keep-alives have come. */
  keepAlives = 0;
  private stream: HttpStream | undefined;
  private webSocket: RawWebSocket | undefined;
  private read = 0;
  private polling: Promise<void> = Promise.resolve();
  private stopped = false;
  private readonly frames: ClassicFrame[] = [];
  private readonly waiting: (() => void)[] = [];

  constructor(
    readonly client: RawClassicClient,
    readonly transport: ClassicTransportName,
  ) {}

  get connectionId(): string {
    return this.client.connectionId;
  }

  private query(extra: string): string {
    return this.client.query(extra).replace('transport=webSockets', `transport=${this.transport}`);
  }

  /** Opens the transport with `/connect` and waits for the init message. */
  async connect(): Promise<void> {
    await this.open('connect');
    await this.nextFrame(({ S }) => S === 1);
  }

  /** Connects and starts, as clients do. Gives the answer to the latter. */
  async start(): Promise<RawAnswer> {
    await this.connect();
    const answer = await http('GET', this.url('start', []));
    if (answer.status !== 200) {
      throw new Error(`start was answered with ${answer.status} ${answer.body}`);
    }
    return answer;
  }

  /** Comes back with what it last had. */
  reconnect(): Promise<void> {
    return this.open('reconnect');
  }

  /** Resolves when the server has ended the line. */
  async lineEnded(): Promise<void> {
    await this.polling;
  }

  /** Breaks the line without a word. */
  async drop(): Promise<void> {
    this.stopped = true;
    this.stream?.destroy();
    this.webSocket?.destroy();
    await this.polling;
    await this.webSocket?.closed;
    await this.stream?.ended;
  }

  /** Says goodbye and lets go of everything. */
  async end(): Promise<void> {
    this.stopped = true;
    await http('POST', this.url('abort', []), { body: '' });
    await this.drop();
  }

  /** Calls a method and gives the response, which comes with the request, or over the socket. */
  async invoke(hub: string, method: string, ...args: unknown[]): Promise<ClassicFrame> {
    const data = JSON.stringify({ H: hub, M: method, A: args, I: 0 });
    if (this.webSocket !== undefined && this.transport === 'webSockets') {
      this.webSocket.send(data);
      return this.nextFrame(({ I }) => I === '0');
    }
    const answer = await http('POST', this.url('send', []), { body: `data=${encodeURIComponent(data)}` });
    if (answer.status !== 200) {
      throw new Error(`send was answered with ${answer.status}`);
    }
    return JSON.parse(answer.body) as ClassicFrame;
  }

  /** Sends a text to a persistent connection by a request, which any server may get, and gives the answer. */
  post(text: string): Promise<RawAnswer> {
    return http('POST', this.url('send', []), { body: `data=${encodeURIComponent(text)}` });
  }

  /** The same by the transport: the socket, if there is one. */
  async sendText(text: string): Promise<void> {
    if (this.webSocket !== undefined) {
      this.webSocket.send(text);
      return;
    }
    const { status, body } = await this.post(text);
    if (status !== 200 || body !== '') {
      throw new Error(`send was answered with ${status} ${body}`);
    }
  }

  /** The next values of a persistent connection. */
  async nextValues(count: number): Promise<unknown[]> {
    const values: unknown[] = [];
    while (values.length < count) {
      const { M = [] } = await this.nextFrame(({ M: messages }) => (messages ?? []).length > 0);
      values.push(...M);
    }
    return values;
  }

  /** The first arguments of the next calls of client methods. */
  async nextTexts(count: number): Promise<unknown[]> {
    const texts: unknown[] = [];
    while (texts.length < count) {
      const { M = [] } = await this.nextFrame(({ M: calls }) => (calls ?? []).length > 0);
      texts.push(...M.map(({ A }) => A[0]));
    }
    return texts;
  }

  /** The first frame that fulfils a condition; others stay for later. */
  async nextFrame(condition: (frame: ClassicFrame) => boolean): Promise<ClassicFrame> {
    const deadline = AbortSignal.timeout(5_000);
    for (;;) {
      const index = this.frames.findIndex(condition);
      if (index >= 0) {
        return this.frames.splice(index, 1)[0] as ClassicFrame;
      }
      deadline.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
        deadline.addEventListener('abort', () => resolve());
      });
    }
  }

  private async open(operation: 'connect' | 'reconnect'): Promise<void> {
    this.stopped = false;
    this.read = 0;
    if (this.transport === 'webSockets') {
      this.client.cursor = this.cursor;
      this.client.groupsToken = this.groupsToken;
      // A reconnect brings them by itself.
      await this.client.openSocket(operation, operation === 'connect' ? this.resume().join('&') : '');
      this.webSocket = this.client.socket;
      this.polling = this.readSocket(this.webSocket);
    } else if (this.transport === 'longPolling') {
      this.polling = this.poll(operation);
    } else {
      const frame = this.transport === 'foreverFrame' ? 'frameId=7' : '';
      this.stream = await HttpStream.open('GET', this.url(operation, [frame, ...this.resume()]));
      this.polling = this.readStream(this.stream);
    }
  }

  private url(operation: string, parts: readonly string[]): string {
    return `${this.client.url}/${operation}?${this.query(parts.filter((part) => part !== '').join('&'))}`;
  }

  private resume(): string[] {
    return [
      this.cursor === undefined ? '' : `messageId=${encodeURIComponent(this.cursor)}`,
      this.groupsToken === undefined ? '' : `groupsToken=${encodeURIComponent(this.groupsToken)}`,
    ].filter((part) => part !== '');
  }

  private async readSocket(socket: RawWebSocket): Promise<void> {
    let open = true;
    void socket.closed.then(() => (open = false));
    while (open) {
      const next = await Promise.race([socket.frames.next('a frame', 60_000), socket.closed]);
      if ('data' in next) {
        this.take(next.data.toString());
      }
    }
  }

  private async readStream(stream: HttpStream): Promise<void> {
    const pattern =
      this.transport === 'foreverFrame' ? /<script>r\(c, (.*)\);<\/script>\r?\n/g : /data: (\{.*\})\n\n/g;
    let ended = false;
    void stream.ended.then(() => (ended = true));
    const readAll = (): void => {
      pattern.lastIndex = this.read;
      for (let match = pattern.exec(stream.body); match !== null; match = pattern.exec(stream.body)) {
        this.read = pattern.lastIndex;
        this.take(match[1] as string);
      }
    };
    while (!ended) {
      readAll();
      await Promise.race([stream.more(), stream.ended]);
    }
    // The last frame may have come together with the end.
    readAll();
  }

  private async poll(first: string): Promise<void> {
    for (let operation = first; !this.stopped; operation = 'poll') {
      // Parameters of a poll travel in its form, like those of the JavaScript client since 2.2.
      this.stream = await HttpStream.open('POST', this.url(operation, []), { body: this.resume().join('&') });
      if (this.stopped) {
        this.stream.destroy();
      }
      const body = (await this.stream.ended).trim();
      if (!this.stopped && body !== '') {
        this.take(body);
      }
      // A server that goes away, fails or sends the client away is not asked again before the test says so.
      if (body === '' || body.includes('"T":1') || body.includes('"E":')) {
        return;
      }
    }
  }

  private take(text: string): void {
    if (text === '{}') {
      this.keepAlives++;
      return;
    }
    const frame = JSON.parse(text.replaceAll('\\u003c', '<')) as ClassicFrame;
    this.cursor = frame.C ?? this.cursor;
    this.groupsToken = frame.G ?? this.groupsToken;
    this.frames.push(frame);
    this.waiting.splice(0).forEach((wake) => wake());
  }
}
