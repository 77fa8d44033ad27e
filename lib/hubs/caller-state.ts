import { isDeepStrictEqual } from 'node:util';

import { toJson } from '../common/json.js';

/**
 * The state that a classic client sends with a call, and what the hub changed of it. Changes travel back with the
 * result and with later calls to the caller (signalr-2 §6.6). It lives as long as the call.
 */
export class CallerState {
  private readonly changes = new Map<string, unknown>();

  /** @param original what the client sent; empty for Core clients and lifecycle events. */
  constructor(private readonly original: ReadonlyMap<string, unknown> = new Map()) {}

  /** The state as an object: reading an unknown member gives undefined, assigning one marks it as changed. */
  readonly members: Record<string, unknown> = new Proxy(Object.create(null) as Record<string, unknown>, {
    get: (_, name) => (typeof name === 'string' ? this.read(name) : undefined),
    set: (_, name, value) => typeof name === 'string' && this.write(name, value),
    has: (_, name) => typeof name === 'string' && (this.changes.has(name) || this.original.has(name)),
    ownKeys: () => [...new Set([...this.original.keys(), ...this.changes.keys()])],
    getOwnPropertyDescriptor: (_, name) =>
      typeof name === 'string' && (this.changes.has(name) || this.original.has(name))
        ? { value: this.read(name), writable: true, enumerable: true, configurable: true }
        : undefined,
  });

  /** All changes so far as a JSON object; undefined if there are none. */
  get changesJson(): string | undefined {
    return this.changes.size === 0
      ? undefined
      : toJson(Object.fromEntries(this.changes), 'The state of the caller');
  }

  private read(name: string): unknown {
    return this.changes.has(name) ? this.changes.get(name) : this.original.get(name);
  }

  private write(name: string, value: unknown): boolean {
    if (this.changes.has(name) || !isDeepStrictEqual(this.original.get(name), value)) {
      this.changes.set(name, value ?? null);
    }
    return true;
  }
}
