import { DecodingListener } from './listeners.mjs';

const verificationTimeout = 10_000;

/** @typedef {import('./dialects/dialect.mjs').Received} Received */

/**
 * Lets a server answer once, reads every byte of it, and throws unless each client got exactly what it should.
 *
 * @param {import('./client-pool.mjs').ClientPool} pool
 * @param {import('./dialects/dialect.mjs').Dialect} dialect
 * @param {Received[]} expected by every client; replies in any order, broadcasts in this one
 * @param {() => void} trigger
 */
export async function verify(pool, dialect, expected, trigger) {
  /** @type {DecodingListener[]} */
  const listeners = [];
  const complete = pool.clients.map(
    (client) =>
      new Promise((resolve) => {
        const listener = new DecodingListener(client, dialect, expected.length, () => resolve(undefined));
        client.connection.listener = listener;
        listeners.push(listener);
      }),
  );
  trigger();
  await pool.within(verificationTimeout, Promise.all(complete), () => {
    const behind = listeners.filter(({ received }) => received.length < expected.length);
    return `the first answers, all of them on ${behind.length} of ${listeners.length} connections`;
  });
  const wanted = summary(expected);
  for (const { received } of listeners) {
    if (summary(received) !== wanted) {
      throw new Error(`expected ${wanted} and received ${summary(received)}`);
    }
  }
}

/** @param {Received[]} received */
function summary(received) {
  const inOrder = received.toSorted((a, b) => (a.id ?? 0) - (b.id ?? 0));
  return JSON.stringify(inOrder.map(({ id, text }) => [id, text]));
}
