import { hubProxy, type HubMethodsOf } from '../client/index.js';
import { RecordedCalls, type ReceivedCall } from './recorded-calls.js';
import type {
  CallArguments,
  CallResult,
  ClientMethodName,
  HubMethodName,
  ReceivedArguments,
  ReceivedHandler,
  Undeclared,
} from './typed-calls.js';

/** How a connection has ended. */
export interface ConnectionEnd {
  /** What the server has said; undefined if it had no complaint. */
  readonly error: string | undefined;
  /** True if the client may come back. */
  readonly allowReconnect: boolean;
}

/** A call of a hub method has failed, with the text that clients read. */
export class HubCallError extends Error {
  override readonly name = 'HubCallError';

  constructor(
    message: string,
    /** Data of a `HubException`, which only classic clients get. */
    readonly data?: unknown,
  ) {
    super(message);
  }
}

/** Handles a call of a client method. Core clients answer with what it returns if the server asks for a result. */
export type ClientHandler = (...args: never[]) => unknown;

/** How long to wait. */
export interface WaitOptions {
  /** In milliseconds of the machine, whatever clock the application has. Default: 2,000. */
  readonly timeout?: number;
}

const DEFAULT_TIMEOUT = 2_000;

/**
 * A client of one hub over a line in memory. It records what it receives and calls hub methods with the types of the hub.
 *
 * @publicApi
 */
export abstract class TestClient<THub> {
  /** Id of the connection, as the hub sees it. */
  abstract readonly connectionId: string;
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<ConnectionEnd>;
  /** Calls hub methods by name, as `nestjs-signalr/client` does: `client.server.send('Ann', 'hello')`. */
  readonly server: HubMethodsOf<THub>;
  private readonly recorded = new RecordedCalls();
  private readonly handlers = new Map<string, Set<ClientHandler>>();
  private readonly failures: unknown[] = [];
  private resolveClosed!: (end: ConnectionEnd) => void;
  private hasEnded = false;

  protected constructor() {
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve;
    });
    this.server = hubProxy<THub>({
      invoke: (method, ...args) => this.callHub(method, args),
      on: () => undefined,
      off: () => undefined,
    }).server;
  }

  /** Every call of a client method so far, oldest first. */
  get received(): readonly ReceivedCall[] {
    return this.recorded.all;
  }

  /**
   * Calls a hub method and gives its result. Rejects with a {@link HubCallError}, whose message is what real clients read, or when
   * the connection ends before. Methods that the hub class declares are checked; any other name may be called with anything, and so
   * may a declared one as `'send' as string`, to see what becomes of wrong arguments.
   */
  invoke<Method extends HubMethodName<THub>>(
    method: Method,
    ...args: CallArguments<THub, Method>
  ): Promise<CallResult<THub, Method>>;
  invoke<TResult = unknown, Method extends string = string>(
    method: Undeclared<Method, HubMethodName<THub>>,
    ...args: unknown[]
  ): Promise<TResult>;
  invoke(method: string, ...args: unknown[]): Promise<unknown> {
    return this.callHub(method, args);
  }

  /**
   * Handles calls of a client method, until {@link off}. What it throws is what {@link close} rejects with, so that a failed
   * expectation fails the test; where the server asks for a result, it is the answer instead.
   */
  on<Method extends ClientMethodName<THub>>(method: Method, handler: ReceivedHandler<THub, Method>): this {
    const key = method.toLowerCase();
    const present = this.handlers.get(key) ?? new Set();
    this.handlers.set(key, present.add(handler as ClientHandler));
    return this;
  }

  /** Removes a handler. */
  off<Method extends ClientMethodName<THub>>(method: Method, handler: ReceivedHandler<THub, Method>): this {
    this.handlers.get(method.toLowerCase())?.delete(handler as ClientHandler);
    return this;
  }

  /**
   * The arguments of the next call of a client method that no test has waited for yet; one that has come before counts. Rejects when
   * it does not come in time or the connection ends, and tells what has come instead.
   *
   * @param accepts which one is meant. Default: any.
   */
  async waitFor<Method extends ClientMethodName<THub>>(
    method: Method,
    accepts: (...args: ReceivedArguments<THub, Method>) => boolean = () => true,
    { timeout = DEFAULT_TIMEOUT }: WaitOptions = {},
  ): Promise<ReceivedArguments<THub, Method>> {
    const wanted = (call: ReceivedCall): boolean =>
      call.method.toLowerCase() === method.toLowerCase() &&
      accepts(...(call.args as ReceivedArguments<THub, Method>));
    const { args } = await this.recorded.next(`a call of ${method}`, wanted, timeout);
    return args as ReceivedArguments<THub, Method>;
  }

  /**
   * Says goodbye; resolves when the connection has ended, at once if it had before. The hub's `onDisconnected` gets true. Rejects with
   * what a handler has thrown by then.
   */
  async close(): Promise<void> {
    if (!this.hasEnded) {
      await this.sayGoodbye();
    }
    await this.finish();
  }

  /**
   * Breaks the line without a word. The hub's `onDisconnected` gets false: at once for Core clients, after the time-out for classic
   * ones. Rejects like {@link close}.
   */
  async drop(): Promise<void> {
    this.breakLine();
    await this.finish();
  }

  protected abstract callHub(method: string, args: readonly unknown[]): Promise<unknown>;

  protected abstract sayGoodbye(): void | Promise<void>;

  protected abstract breakLine(): void;

  /** Records a call and runs its handlers. @returns what they returned */
  protected take(method: string, args: readonly unknown[]): Promise<readonly unknown[]> {
    this.recorded.add({ method, args });
    const handlers = [...(this.handlers.get(method.toLowerCase()) ?? [])];
    return Promise.all(handlers.map(async (handler) => handler(...(args as never[]))));
  }

  /** Takes a call that nobody wants an answer to. */
  protected hear(method: string, args: readonly unknown[]): void {
    this.take(method, args).catch((error: unknown) => this.failures.push(error));
  }

  protected ended(end: ConnectionEnd): void {
    this.hasEnded = true;
    this.recorded.end();
    this.resolveClosed(end);
  }

  private async finish(): Promise<void> {
    await this.closed;
    if (this.failures.length > 0) {
      throw this.failures[0];
    }
  }
}
