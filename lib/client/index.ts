import type { Observable } from 'rxjs';

import type { HubCallerContext } from '../hubs/hub-caller-context.js';
import type { ClientOf } from '../hubs/hub-context.js';
import type { IProgress } from '../hubs/progress.js';
import type { SignalRHub } from '../hubs/signalr-hub.js';

/** Parameters that the server fills in: clients have nothing to give for them. */
type Injected = IProgress<never> | AbortSignal | HubCallerContext;

type IsAny<T> = 0 extends 1 & T ? true : false;

/** Who listens to a stream, as `@microsoft/signalr` has it. */
export interface StreamSubscriber<T> {
  next(value: T): void;
  error(error: unknown): void;
  complete(): void;
}

/** A stream that a client sends with a call: a `Subject` of `@microsoft/signalr` is one. */
export interface ClientStream<T> {
  subscribe(subscriber: StreamSubscriber<T>): unknown;
}

/** A stream that a client gets. */
export interface ServerStream<T> {
  /** @returns what ends it from the client's side. */
  subscribe(subscriber: StreamSubscriber<T>): { dispose(): void };
}

/** What a stream is made of; never for what is none. */
type ItemOf<Value> = Value extends AsyncIterable<infer Item> | Observable<infer Item> ? Item : never;

/** What clients pass: the parameters of the method without those that the server fills in. */
type ClientArguments<Args extends readonly unknown[]> = Args extends readonly [infer First, ...infer Rest]
  ? IsAny<First> extends true
    ? [First, ...ClientArguments<Rest>]
    : First extends Injected
      ? ClientArguments<Rest>
      : [ClientArgument<First>, ...ClientArguments<Rest>]
  : Args;

/** A stream of the client may be an async iterable as well, for test clients. */
type ClientArgument<Parameter> = [ItemOf<Parameter>] extends [never]
  ? Parameter
  : ClientStream<ItemOf<Parameter>> | AsyncIterable<ItemOf<Parameter>>;

/** What clients get: a stream gives a classic client its last item. */
type ClientResult<Result> =
  Awaited<Result> extends AsyncIterable<infer Item>
    ? Item
    : Awaited<Result> extends Observable<infer Item>
      ? Item
      : Awaited<Result>;

/**
 * The methods of a hub as its clients call them: what `SignalRHub` has is left out, and everything is a promise. All public
 * methods are in it, because types do not know decorators.
 *
 * @publicApi
 */
export type HubMethodsOf<THub> = {
  readonly [
    Method in keyof THub as Method extends keyof SignalRHub
      ? never
      : THub[Method] extends (...args: never[]) => unknown
        ? Method
        : never
  ]: THub[Method] extends (...args: infer Args) => infer Result
    ? (...args: ClientArguments<Args>) => Promise<ClientResult<Result>>
    : never;
};

/** The methods of a hub that give streams, as Core clients call them. */
export type HubStreamsOf<THub> = {
  readonly [
    Method in keyof THub as Method extends keyof SignalRHub
      ? never
      : THub[Method] extends (...args: never[]) => infer Result
        ? [ItemOf<Awaited<Result>>] extends [never]
          ? never
          : Method
        : never
  ]: THub[Method] extends (...args: infer Args) => infer Result
    ? (...args: ClientArguments<Args>) => ServerStream<ItemOf<Awaited<Result>>>
    : never;
};

/**
 * A hub as its clients see it.
 *
 * @typeParam THub the hub class, imported as a type.
 * @publicApi
 */
export interface HubProxyOf<THub> {
  /** Calls methods of the hub. Rejects with what the client library rejects with. */
  readonly server: HubMethodsOf<THub>;
  /** Asks for streams; only Core clients can. */
  readonly stream: HubStreamsOf<THub>;
  /** Handles calls of a client method, until the returned function is called. */
  on<Method extends keyof ClientOf<THub> & string>(
    method: Method,
    handler: ClientOf<THub>[Method] extends (...args: infer Args) => unknown
      ? (...args: Args) => void
      : never,
  ): () => void;
}

/** What is needed of `HubConnection` of `@microsoft/signalr`, or of a hub proxy of `signalr`. */
export interface UntypedHub {
  invoke(method: string, ...args: never[]): PromiseLike<unknown>;
  on(method: string, handler: (...args: never[]) => void): unknown;
  off(method: string, handler: (...args: never[]) => void): unknown;
  /** Core clients only. */
  stream?(method: string, ...args: never[]): unknown;
}

/**
 * Puts the types of a hub over a connection of either client, so that a TypeScript front end needs no generated proxy:
 * `hubProxy<ChatHub>(connection)` for Core clients, `hubProxy<ChatHub>($.connection.hub.createHubProxy('chatHub'))` for
 * classic ones. Handlers have to be there before a classic connection starts.
 *
 * @publicApi
 */
export function hubProxy<THub>(hub: UntypedHub): HubProxyOf<THub> {
  const server = byName((method, args) => Promise.resolve(hub.invoke(method, ...(args as never[]))));
  const stream = byName((method, args) => hub.stream?.(method, ...(args as never[])));
  return {
    server: server as HubMethodsOf<THub>,
    stream: stream as HubStreamsOf<THub>,
    on(method: string, handler: (...args: never[]) => void) {
      hub.on(method, handler);
      return () => {
        hub.off(method, handler);
      };
    },
  } as HubProxyOf<THub>;
}

/**
 * One hub of a connection of a Core client to several: names get the hub in front, as the server has them with the option
 * `multiplex`. `hubProxy<ChatHub>(hubOf(connection, 'chatHub'))` has its types.
 *
 * @param name the hub as its path has it: `chatHub` for a class `ChatHub`.
 * @publicApi
 */
export function hubOf(connection: UntypedHub, name: string): UntypedHub {
  const { stream } = connection;
  return {
    invoke: (method, ...args) => connection.invoke(`${name}.${method}`, ...args),
    on: (method, handler) => connection.on(`${name}.${method}`, handler),
    off: (method, handler) => connection.off(`${name}.${method}`, handler),
    ...(stream !== undefined && {
      stream: (method: string, ...args: never[]) => stream.call(connection, `${name}.${method}`, ...args),
    }),
  };
}

/** An object that has every method. */
function byName(call: (method: string, args: readonly unknown[]) => unknown): object {
  return new Proxy(Object.create(null) as object, {
    // A proxy that is returned from an async function must not look like a promise.
    get: (_, method) =>
      typeof method === 'string' && method !== 'then'
        ? (...args: unknown[]) => call(method, args)
        : undefined,
  });
}
