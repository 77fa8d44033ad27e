import { Inbox } from '../../lib/testing/inbox.js';

export { Inbox };

/** The next items, as many as are wanted. */
export async function take<T>(inbox: Inbox<T>, count: number): Promise<T[]> {
  const items: T[] = [];
  while (items.length < count) {
    items.push(await inbox.next(`item ${items.length + 1} of ${count}`));
  }
  return items;
}

/** A promise to be resolved from outside, for tests and hubs of tests to wait for each other. */
export interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

export function deferred(): Deferred {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
