import { http, type RawAnswer } from './http.js';
import { RawWebSocket } from './web-socket.js';

/** What negotiate answers. */
export interface ClassicNegotiation {
  readonly Url: string;
  readonly ConnectionToken: string;
  readonly ConnectionId: string;
  readonly [member: string]: unknown;
}

/** A persistent response, a hub response or a keep-alive, as JSON. */
export interface ClassicFrame {
  readonly C?: string;
  readonly S?: unknown;
  readonly G?: string;
  readonly M?: readonly ClassicCall[];
  readonly R?: unknown;
  readonly I?: string | null;
  readonly E?: string;
  readonly H?: boolean;
  readonly D?: unknown;
  readonly T?: unknown;
}

/** A call of a client method. */
export interface ClassicCall {
  readonly H: string;
  readonly M: string;
  readonly A: readonly unknown[];
  readonly S?: unknown;
  /** Progress of the call with an id; then the members above are not there. */
  readonly P?: { readonly I: string; readonly D: unknown };
}

/** How a raw classic client connects. */
export interface ClassicOptions {
  /** Names of the hubs to list. Default: none. */
  readonly hubs?: readonly string[];
  /** Default: 2.1. Undefined leaves the parameter out, like clients before 1.4. */
  readonly clientProtocol?: string | undefined;
  /** Further parameters, already encoded: `a=1&b=2`. */
  readonly query?: string;
  readonly headers?: Record<string, string>;
}

/** A classic client over WebSockets that sends and shows every byte itself. */
export class RawClassicClient {
  /** Cursor of the last envelope. */
  cursor: string | undefined;
  /** The last groups token. */
  groupsToken: string | undefined;
  socket!: RawWebSocket;
  private calls = 0;

  private constructor(
    /** Url of the hubs, such as `http://127.0.0.1:1234/signalr`. */
    readonly url: string,
    readonly negotiation: ClassicNegotiation,
    private readonly options: ClassicOptions,
  ) {}

  get connectionId(): string {
    return this.negotiation.ConnectionId;
  }

  /** Negotiates only. */
  static async negotiate(url: string, options: ClassicOptions = {}): Promise<RawClassicClient> {
    const answer = await http('GET', `${url}/negotiate?${commonQuery(options)}`, {
      headers: options.headers ?? {},
    });
    if (answer.status !== 200) {
      throw new Error(`negotiate was answered with ${answer.status} ${answer.body}`);
    }
    return new RawClassicClient(url, JSON.parse(answer.body) as ClassicNegotiation, options);
  }

  /** Negotiates and connects; `/start` is left to the test. The first frame has been taken. */
  static async open(url: string, options: ClassicOptions = {}): Promise<RawClassicClient> {
    const client = await RawClassicClient.negotiate(url, options);
    await client.openSocket('connect');
    await client.nextFrame('the init message');
    return client;
  }

  /** Negotiates, connects and starts. */
  static async connect(url: string, options: ClassicOptions = {}): Promise<RawClassicClient> {
    const client = await RawClassicClient.open(url, options);
    const answer = await client.request('start');
    if (answer.status !== 200) {
      throw new Error(`start was answered with ${answer.status} ${answer.body}`);
    }
    return client;
  }

  /** The same client under its token at another server, or with other hubs. */
  elsewhere({
    url = this.url,
    hubs = this.options.hubs ?? [],
  }: {
    url?: string;
    hubs?: readonly string[];
  }): RawClassicClient {
    const client = new RawClassicClient(url, this.negotiation, { ...this.options, hubs });
    client.cursor = this.cursor;
    client.groupsToken = this.groupsToken;
    return client;
  }

  /** Query of a request after negotiation. */
  query(extra = ''): string {
    const parts = [
      'transport=webSockets',
      `connectionToken=${encodeURIComponent(this.negotiation.ConnectionToken)}`,
    ];
    return [...parts, commonQuery(this.options), extra].filter((part) => part !== '').join('&');
  }

  /** Opens the socket with `/connect` or `/reconnect`; a reconnect brings the last cursor and groups token. */
  async openSocket(operation: 'connect' | 'reconnect', extra = ''): Promise<void> {
    const resume =
      operation === 'reconnect'
        ? [
            this.cursor === undefined ? '' : `messageId=${encodeURIComponent(this.cursor)}`,
            this.groupsToken === undefined ? '' : `groupsToken=${encodeURIComponent(this.groupsToken)}`,
          ]
        : [];
    const query = this.query([...resume, extra].filter((part) => part !== '').join('&'));
    this.socket = await RawWebSocket.open(
      `${this.url.replace(/^http/, 'ws')}/${operation}?${query}`,
      this.options.headers ?? {},
    );
  }

  /** A plain request of this client. */
  request(operation: string, method = 'GET', body?: string): Promise<RawAnswer> {
    const headers = { ...this.options.headers };
    return http(
      method,
      `${this.url}/${operation}?${this.query()}`,
      body === undefined ? { headers } : { headers, body },
    );
  }

  /** The next frame as text, keep-alives included. */
  nextText(what = 'a frame'): Promise<string> {
    return this.socket.nextText(what);
  }

  /** The next frame that is no keep-alive. */
  async nextFrame(what = 'a frame'): Promise<ClassicFrame> {
    for (;;) {
      const text = await this.nextText(what);
      if (text !== '{}') {
        const frame = JSON.parse(text) as ClassicFrame;
        this.cursor = frame.C ?? this.cursor;
        this.groupsToken = frame.G ?? this.groupsToken;
        return frame;
      }
    }
  }

  private readonly unread: ClassicCall[] = [];

  /** The next call of a client method; other frames are passed over. */
  async nextCall(what = 'a call'): Promise<ClassicCall> {
    for (;;) {
      const call = this.unread.shift();
      if (call !== undefined) {
        return call;
      }
      this.unread.push(...((await this.nextFrame(what)).M ?? []));
    }
  }

  /** Calls of client methods that were passed over while something else was waited for. */
  get passedOver(): readonly ClassicCall[] {
    return this.unread;
  }

  /** Calls a method and gives the response. Calls of client methods before it are kept for {@link nextCall}. */
  async invoke(hub: string, method: string, ...args: unknown[]): Promise<ClassicFrame> {
    const id = this.calls++;
    this.socket.send(JSON.stringify({ H: hub, M: method, A: args, I: id }));
    return this.nextResponse(String(id));
  }

  /** The response with an id. */
  async nextResponse(id: string | null): Promise<ClassicFrame> {
    for (;;) {
      const frame = await this.nextFrame(`the response ${id}`);
      if (frame.C === undefined && frame.I === id) {
        return frame;
      }
      this.unread.push(...(frame.M ?? []));
    }
  }

  abort(): Promise<RawAnswer> {
    return this.request('abort', 'POST', '');
  }
}

/** `connectionData` of some hubs, as the JavaScript client writes it. */
export function connectionData(hubs: readonly string[]): string {
  return encodeURIComponent(JSON.stringify(hubs.map((name) => ({ name: name.toLowerCase() }))));
}

function commonQuery({ hubs = [], query = '', ...options }: ClassicOptions): string {
  const protocol = 'clientProtocol' in options ? options.clientProtocol : '2.1';
  return [
    protocol === undefined ? '' : `clientProtocol=${protocol}`,
    `connectionData=${connectionData(hubs)}`,
    query,
  ]
    .filter((part) => part !== '')
    .join('&');
}
