import { isClientMethod } from './selector-names.js';

/** A client whose methods nobody has declared: any name, any arguments. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- nothing is known of it, so nothing can be checked
export type DynamicClient = any;

/** Calls a client method of everyone selected. */
export type SendToClients = (method: string, args: readonly unknown[]) => Promise<void>;

/**
 * Everyone that a selector stands for. Calling a member sends; the promise resolves when the backplane has accepted
 * the message, not when clients received it, and nothing comes back from clients (signalr-2 §7.2).
 *
 * @publicApi
 */
export type ClientProxy<TClient extends object = DynamicClient> = unknown extends TClient
  ? DynamicClient
  : TypedClientProxy<TClient>;

type TypedClientProxy<TClient extends object> = {
  readonly [Method in keyof TClient]: TClient[Method] extends (...args: infer Args) => unknown
    ? (...args: Args) => Promise<void>
    : never;
} & {
  /** Calls a client method whose name is known only at run time, or that no member stands for (`then`, `toJSON` …). */
  readonly invoke: (method: string, ...args: unknown[]) => Promise<void>;
};

class Selection {
  constructor(readonly send: SendToClients) {}
}

/** One handler for all selectors: what differs is the target alone. */
const handler: ProxyHandler<Selection> = {
  get(selection, property) {
    if (property === 'invoke') {
      return (method: string, ...args: unknown[]) => selection.send(method, args);
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
export function clientProxy<TClient extends object>(send: SendToClients): ClientProxy<TClient> {
  return new Proxy(new Selection(send), handler) as unknown as ClientProxy<TClient>;
}
