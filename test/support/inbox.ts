export { Inbox } from '../../lib/testing/inbox.js';

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
