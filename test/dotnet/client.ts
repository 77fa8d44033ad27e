import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';

import { build, environment } from './build.js';

/** The two clients beside this file: SignalR 2.4 for .NET and ASP.NET Core SignalR for .NET. */
export type DotnetProgram = 'classic-client' | 'core-client';

export interface StartOptions {
  /** Classic only: the hub the one proxy is for. */
  hub?: string;
  /** `auto` is for the classic client only. Default: `webSockets`. */
  transport?: 'webSockets' | 'serverSentEvents' | 'longPolling' | 'auto';
  query?: Record<string, string>;
  headers?: Record<string, string>;
  /** Core only. */
  skipNegotiation?: boolean;
  /** Core only: reconnects automatically; the classic client always does. */
  reconnect?: boolean;
}

export interface StartResult {
  connectionId: string | null;
  transport: string;
}

/** A line of the program's output; which fields it has depends on `event`. */
export interface DotnetEvent {
  event: 'ready' | 'result' | 'state' | 'error' | 'message' | DotnetStreamEvent | DotnetConnectionEvent;
  id?: number;
  method?: string;
  args?: unknown[];
  value?: unknown;
  message?: string;
  type?: string;
  data?: unknown;
}
type DotnetStreamEvent = 'progress' | 'item';
type DotnetConnectionEvent = 'closed' | 'reconnecting' | 'reconnected';

/** A call or command that failed in the .NET client: its exception. */
export class DotnetError extends Error {
  /** Name of the exception class, `HubException` for example. */
  readonly type: string;
  /** What a classic `HubException` carries besides its text. */
  readonly data: unknown;

  constructor({ message, type, data }: DotnetEvent) {
    super(message);
    this.name = 'DotnetError';
    this.type = type ?? '';
    this.data = data;
  }
}

/** A call under way; `id` is what its progress or item events carry. */
export type DotnetCall<T = unknown> = Promise<T> & { readonly id: number };

/** A real .NET client in a process of its own, with one connection. */
export class DotnetClient implements AsyncDisposable {
  private readonly arrived = new EventEmitter();
  private readonly pending = new Map<number, PromiseWithResolvers>();
  private readonly unread: DotnetEvent[] = [];
  private readonly ended: Promise<unknown>;
  private hasEnded = false;
  private errorOutput = '';
  private lastId = 0;

  private constructor(
    private readonly program: DotnetProgram,
    private readonly child: ChildProcessWithoutNullStreams,
  ) {
    this.arrived.setMaxListeners(0);
    this.ended = once(child, 'close').then(() => this.rejectPending());
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.errorOutput += text));
    child.stdin.on('error', () => {}); // The program has ended; `ended` says so.
    createInterface(child.stdout).on('line', (line) => this.receive(JSON.parse(line) as DotnetEvent));
  }

  /** Builds the program if need be and starts it. */
  static async launch(program: DotnetProgram): Promise<DotnetClient> {
    const child = spawn('dotnet', [await build(program)], { env: environment });
    const client = new DotnetClient(program, child);
    await client.next('ready');
    return client;
  }

  start(url: string, options: StartOptions = {}): DotnetCall<StartResult> {
    return this.request({ cmd: 'start', url, ...options });
  }

  /** @param count how many arguments the server passes; the Core client ignores a call with another number. */
  on(method: string, count = 1): DotnetCall {
    return this.request({ cmd: 'on', method, count });
  }

  /** Core only: answers a call of the server that expects a result; with `error` the handler throws. */
  onResult(method: string, answer: { result?: unknown; error?: string }, count = 0): DotnetCall {
    return this.request({ cmd: 'onResult', method, count, ...answer });
  }

  invoke(method: string, ...args: unknown[]): DotnetCall {
    return this.request({ cmd: 'invoke', method, args });
  }

  /** Resolves when the client has taken the call; its answer is not awaited. */
  send(method: string, ...args: unknown[]): DotnetCall {
    return this.request({ cmd: 'send', method, args });
  }

  /** Core only: items arrive as `item` events, the promise is the end of the stream. */
  stream(method: string, ...args: unknown[]): DotnetCall {
    return this.request({ cmd: 'stream', method, args });
  }

  /** Core only: ends a stream from the client's side. */
  cancel(stream: DotnetCall): DotnetCall {
    return this.request({ cmd: 'cancel', target: stream.id });
  }

  /** Classic only: reads the proxy's state, or sets it if a value is given. */
  state(key: string, value?: unknown): DotnetCall {
    return this.request({ cmd: 'state', key, value });
  }

  stop(): DotnetCall {
    return this.request({ cmd: 'stop' });
  }

  /** The arguments of the next call of `method` by the server. */
  async message(method: string, deadline?: number): Promise<unknown[]> {
    const { args = [] } = await this.next('message', { method }, deadline);
    return args;
  }

  /**
   * The next event with this name and these fields that no one has taken yet: one that has arrived already, or
   * the first to come.
   *
   * @param deadline milliseconds until the promise is rejected.
   */
  async next(
    event: DotnetEvent['event'],
    fields: Partial<DotnetEvent> = {},
    deadline = 15_000,
  ): Promise<DotnetEvent> {
    const wanted = Object.entries({ event, ...fields });
    const signal = AbortSignal.timeout(deadline);
    for (;;) {
      const index = this.unread.findIndex((candidate) =>
        wanted.every(([name, value]) => candidate[name as keyof DotnetEvent] === value),
      );
      if (index >= 0) {
        return this.unread.splice(index, 1)[0]!;
      }
      if (signal.aborted || this.hasEnded) {
        throw new Error(this.complaint(`no event ${JSON.stringify({ event, ...fields })}`));
      }
      await Promise.race([once(this.arrived, 'event', { signal }), this.ended]).catch(() => {});
    }
  }

  /** Ends the program without a farewell to the server; use {@link stop} first for a clean end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.pending.clear();
    this.child.kill('SIGKILL');
    await this.ended;
  }

  private request<T>(command: Record<string, unknown>): DotnetCall<T> {
    const id = ++this.lastId;
    const answer = new Promise<T>((resolve, reject) => {
      this.pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
    });
    this.child.stdin.write(`${JSON.stringify({ ...command, id })}\n`);
    return Object.assign(answer, { id });
  }

  private receive(event: DotnetEvent): void {
    const call = event.id === undefined ? undefined : this.pending.get(event.id);
    if (event.event === 'result' || event.event === 'state') {
      call?.resolve(event.value);
    } else if (event.event === 'error') {
      call?.reject(new DotnetError(event));
    } else {
      this.unread.push(event);
      this.arrived.emit('event');
      return;
    }
    this.pending.delete(event.id!);
  }

  private rejectPending(): void {
    this.hasEnded = true;
    const error = new Error(this.complaint('the program ended'));
    for (const { reject } of this.pending.values()) {
      reject(error);
    }
    this.pending.clear();
  }

  private complaint(what: string): string {
    const unread = this.unread.map((event) => JSON.stringify(event)).join('\n  ');
    return `${this.program}: ${what}; not taken:\n  ${unread}\nstandard error:\n${this.errorOutput}`;
  }
}

interface PromiseWithResolvers {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}
