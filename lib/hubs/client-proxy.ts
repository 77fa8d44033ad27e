import { isClientMethod } from './selector-names.js';
import type { ClientResult, GatherOptions } from './client-results.js';

/** A client whose methods nobody has declared: any name, any arguments. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- nothing is known of it, so nothing can be checked
export type DynamicClient = any;

/** Everyone that a selector stands for. */
export interface Selection {
  /** Calls a client method. */
  send(method: string, args: readonly unknown[]): Promise<void>;
  /** What `.invoke` of the selector does. */
  invoke(method: string, args: readonly unknown[]): Promise<unknown>;
  /** Calls a client method of each and gathers what they answer. */
  invokeAll(
    method: string,
    args: readonly unknown[],
    options?: GatherOptions,
  ): Promise<readonly ClientResult<unknown>[]>;
}

/**
 * Everyone that a selector stands for. Calling a member sends; the promise resolves when the backplane has accepted
 * the message, not when clients received it, and nothing comes back from clients (signalr-2 §7.2).
 *
 * @publicApi
 */
export type ClientProxy<TClient extends object = DynamicClient> = unknown extends TClient
  ? DynamicClient
  : ClientMethods<TClient> & GatherResults<TClient> & { readonly invoke: SendByName };

/**
 * One client. Calling a member sends, as with any selector; `invoke` asks for a result.
 *
 * @publicApi
 */
export type SingleClientProxy<TClient extends object = DynamicClient> = unknown extends TClient
  ? DynamicClient
  : ClientMethods<TClient> & GatherResults<TClient> & { readonly invoke: AskClient<TClient> };

type ClientMethods<TClient extends object> = {
  readonly [Method in keyof TClient]: TClient[Method] extends (...args: infer Args) => unknown
    ? (...args: Args) => Promise<void>
    : never;
};

/** Calls a client method whose name is known only at run time, or that no member stands for (`then`, `toJSON` …). */
type SendByName = (method: string, ...args: unknown[]) => Promise<void>;

type ArgumentsOf<Method> = Method extends (...args: infer Args) => unknown ? Args : never;
type ResultOf<Method> = Method extends (...args: never[]) => infer Result ? Awaited<Result> : never;

interface AskClient<TClient extends object> {
  /**
   * Calls a client method and gives what the client answers (signalr-core §4.12). A hub method that waits for it lets the
   * next call of its client run.
   *
   * @throws HubException with the text of the client if it fails; SignalRError SIGNALR_CONNECTION_UNKNOWN,
   * SIGNALR_CONNECTION_LOST if it is not there or goes, SIGNALR_CLIENT_SILENT after `clientResultTimeout`,
   * SIGNALR_RESULT_TOO_EARLY in `onConnected`. Classic clients cannot answer: the call is sent to them, and the result is
   * undefined.
   */
  <Method extends keyof TClient & string>(
    method: Method,
    ...args: ArgumentsOf<TClient[Method]>
  ): Promise<ResultOf<TClient[Method]>>;
  <TResult = unknown>(method: string, ...args: unknown[]): Promise<TResult>;
}

interface GatherResults<TClient extends object> {
  /**
   * Calls a client method of everyone selected and gathers what they answer until the deadline; who has not answered by
   * then is in the list with SIGNALR_CLIENT_SILENT. Never rejects for what a client does.
   */
  readonly invokeAll: {
    <Method extends keyof TClient & string>(
      method: Method,
      args: ArgumentsOf<TClient[Method]>,
      options?: GatherOptions,
    ): Promise<readonly ClientResult<ResultOf<TClient[Method]>>[]>;
    <TResult = unknown>(
      method: string,
      args: readonly unknown[],
      options?: GatherOptions,
    ): Promise<readonly ClientResult<TResult>[]>;
  };
}

class Selected {
  constructor(readonly selection: Selection) {}
}

/** One handler for all selectors: what differs is the selection alone. */
const handler: ProxyHandler<Selected> = {
  get({ selection }, property) {
    if (property === 'invoke') {
      return (method: string, ...args: unknown[]) => selection.invoke(method, args);
    }
    if (property === 'invokeAll') {
      return (method: string, args: readonly unknown[], options?: GatherOptions) =>
        selection.invokeAll(method, args, options);
    }
    return isClientMethod(property)
      ? (...args: unknown[]) => selection.send(property, args)
      : (Reflect.get(Object.prototype, property) as unknown);
  },
  has: (_, property) => isClientMethod(property),
  set: () => false,
  defineProperty: () => false,
  deleteProperty: () => false,
  ownKeys: () => [],
  getOwnPropertyDescriptor: () => undefined,
};

/** Makes a selector: an immutable value whose members send. */
export function clientProxy<TProxy>(selection: Selection): TProxy {
  return new Proxy(new Selected(selection), handler) as unknown as TProxy;
}
