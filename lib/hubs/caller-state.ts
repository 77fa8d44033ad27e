import { isDeepStrictEqual } from 'node:util';

import { toJson } from '../common/json.js';

/**
 * The state that a classic client sends with a call, and what the hub changed of it. Changes travel back with the
 * result and with later calls to the caller (signalr-2 §6.6). It lives as long as the call.
 */
export class CallerState {
  private view: Record<string, unknown> | undefined;
  private changes: Map<string, unknown> | undefined;

  /** @param original what the client sent; empty for Core clients and lifecycle events. */
  constructor(private readonly original: ReadonlyMap<string, unknown> = NOTHING) {}

  /**
   * The state as an object: reading an unknown member gives undefined, assigning one marks it as changed. Made on first
   * use: few methods look at it.
   */
  get members(): Record<string, unknown> {
    return (this.view ??= new Proxy(Object.create(null) as Record<string, unknown>, {
      get: (_, name) => (typeof name === 'string' ? this.read(name) : undefined),
      set: (_, name, value) => typeof name === 'string' && this.write(name, value),
      has: (_, name) => typeof name === 'string' && this.knows(name),
      ownKeys: () => [...new Set([...this.original.keys(), ...(this.changes?.keys() ?? [])])],
      getOwnPropertyDescriptor: (_, name) =>
        typeof name === 'string' && this.knows(name)
          ? { value: this.read(name), writable: true, enumerable: true, configurable: true }
          : undefined,
    }));
  }

  /** All changes so far as a JSON object; undefined if there are none. */
  get changesJson(): string | undefined {
    return this.changes === undefined
      ? undefined
      : toJson(Object.fromEntries(this.changes), 'The state of the caller');
  }

  private knows(name: string): boolean {
    return this.changes?.has(name) === true || this.original.has(name);
  }

  private read(name: string): unknown {
    return this.changes?.has(name) === true ? this.changes.get(name) : this.original.get(name);
  }

  private write(name: string, value: unknown): boolean {
    if (this.changes?.has(name) === true || !isDeepStrictEqual(this.original.get(name), value)) {
      this.changes ??= new Map();
      this.changes.set(name, value ?? null);
    }
    return true;
  }
}

const NOTHING: ReadonlyMap<string, unknown> = new Map();
