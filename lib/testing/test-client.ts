import { hubProxy, type HubMethodsOf } from '../client/index.js';
import type { ClientOf } from '../hubs/hub-context.js';
import { RecordedCalls, type ReceivedCall } from './recorded-calls.js';

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

const DEFAULT_TIMEOUT = 2_000;

type CallArguments<Method> = Method extends (...args: infer Args) => unknown ? Args : never;
type CallResult<Method> = Method extends (...args: never[]) => infer Result ? Awaited<Result> : never;

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
  protected readonly recorded = new RecordedCalls();
  protected readonly handlers = new Map<string, Set<ClientHandler>>();
  protected ended!: (end: ConnectionEnd) => void;

  protected constructor() {
    this.closed = new Promise((resolve) => {
      this.ended = resolve;
    });
    this.server = hubProxy<THub>(this as never).server;
  }

  /** Every call of a client method so far, oldest first. */
  get received(): readonly ReceivedCall[] {
    return this.recorded.all;
  }

  /** Calls a hub method and gives its result. Rejects with a {@link HubCallError}, or when the connection ends before. */
  abstract invoke<Method extends keyof HubMethodsOf<THub> & string>(
    method: Method,
    ...args: CallArguments<HubMethodsOf<THub>[Method]>
  ): Promise<CallResult<HubMethodsOf<THub>[Method]>>;
  abstract invoke<TResult = unknown>(method: string, ...args: unknown[]): Promise<TResult>;

  /** Handles calls of a client method. */
  on<Method extends keyof ClientOf<THub> & string>(
    method: Method,
    handler: ClientOf<THub>[Method] extends (...args: infer Args) => unknown
      ? (...args: Args) => unknown
      : ClientHandler,
  ): this;
  on(method: string, handler: ClientHandler): this {
    const key = method.toLowerCase();
    const present = this.handlers.get(key) ?? new Set();
    this.handlers.set(key, present.add(handler));
    return this;
  }

  /** Removes a handler. */
  off(method: string, handler: ClientHandler): this {
    this.handlers.get(method.toLowerCase())?.delete(handler);
    return this;
  }

  /**
   * The arguments of the next call of a client method that no test has waited for yet; one that has come before counts.
   *
   * @param accepts which one is meant. Default: any.
   * @param timeout how long it may take, in milliseconds; then it rejects and tells what has come instead. Default: 2,000.
   */
  async waitFor(
    method: keyof ClientOf<THub> & string,
    accepts: (...args: never[]) => boolean = () => true,
    timeout: number = DEFAULT_TIMEOUT,
  ): Promise<readonly unknown[]> {
    const wanted = (call: ReceivedCall): boolean =>
      call.method.toLowerCase() === method.toLowerCase() && accepts(...(call.args as never[]));
    return (await this.recorded.next(`a call of ${method}`, wanted, timeout)).args;
  }

  /** Says goodbye; resolves when the connection has ended. The hub's `onDisconnected` gets true. */
  abstract close(): Promise<void>;

  /** Breaks the line without a word. The hub's `onDisconnected` gets false: at once for Core clients, after the time-out for classic ones. */
  abstract drop(): Promise<void>;

  /** Records a call and runs its handlers. @returns what they returned */
  protected take(method: string, args: readonly unknown[]): unknown[] {
    this.recorded.add({ method, args });
    return [...(this.handlers.get(method.toLowerCase()) ?? [])].map((handler) =>
      handler(...(args as never[])),
    );
  }
}
