import type { HubMethodsOf, HubStreamsOf, ServerStream } from '../client/index.js';
import type { ClientOf } from '../hubs/hub-context.js';

/** Names of the methods that a hub class declares. */
export type HubMethodName<THub> = keyof HubMethodsOf<THub> & string;

/** Names of those that give streams. */
export type HubStreamName<THub> = keyof HubStreamsOf<THub> & string;

/** Names of the methods that clients of a hub have. */
export type ClientMethodName<THub> = keyof ClientOf<THub> & string;

type ArgumentsOf<Method> = Method extends (...args: infer Args) => unknown ? Args : never;

/** What clients give to a hub method. */
export type CallArguments<THub, Method extends HubMethodName<THub>> = ArgumentsOf<HubMethodsOf<THub>[Method]>;

/** What they get. */
export type CallResult<THub, Method extends HubMethodName<THub>> = HubMethodsOf<THub>[Method] extends (
  ...args: never[]
) => infer Result
  ? Awaited<Result>
  : never;

/** What clients give for a stream. */
export type StreamArguments<THub, Method extends HubStreamName<THub>> = ArgumentsOf<
  HubStreamsOf<THub>[Method]
>;

/** The items of it. */
export type StreamItem<THub, Method extends HubStreamName<THub>> = HubStreamsOf<THub>[Method] extends (
  ...args: never[]
) => ServerStream<infer Item>
  ? Item
  : never;

/** What the hub gives to a client method; anything if nobody has declared it. */
export type ReceivedArguments<
  THub,
  Method extends ClientMethodName<THub>,
> = unknown extends ClientOf<THub>[Method] ? any[] : ArgumentsOf<ClientOf<THub>[Method]>;

/** What a handler of a client method is. Core clients answer with what it returns if the server asks. */
export type ReceivedHandler<
  THub,
  Method extends ClientMethodName<THub>,
> = unknown extends ClientOf<THub>[Method]
  ? (...args: any[]) => unknown
  : ClientOf<THub>[Method] extends (...args: infer Args) => unknown
    ? (...args: Args) => unknown
    : never;

/** A name, unless it is a declared one: those are checked. */
export type Undeclared<Name extends string, Declared> = Name & (Name extends Declared ? never : unknown);
