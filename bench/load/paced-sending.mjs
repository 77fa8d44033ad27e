import { CountingListener } from './listeners.mjs';

const patience = 10_000;
const tick = 1;

/** @typedef {{ rate: number, milliseconds: number }} Pace `rate` is per second */

/**
 * Does something at a fixed rate. Timers are exact to a millisecond: what falls due between two ticks is done at the second.
 *
 * @param {Pace} pace
 * @param {() => void} act
 */
export function atRate(pace, act) {
  const times = timesIn(pace);
  const interval = 1_000 / pace.rate;
  return new Promise((resolve) => {
    const begin = performance.now();
    let done = 0;
    const timer = setInterval(() => {
      for (const now = performance.now(); done < times && begin + done * interval <= now; done++) {
        act();
      }
      if (done === times) {
        clearInterval(timer);
        resolve(undefined);
      }
    }, tick);
  });
}

/** How often that is. @param {Pace} pace */
export function timesIn({ rate, milliseconds }) {
  return Math.floor((rate * milliseconds) / 1_000);
}

/**
 * Makes a server send a text to all clients of a pool, at a fixed rate, whether or not the last one has arrived.
 *
 * @param {import('./client-pool.mjs').ClientPool} pool
 * @param {Pace} pace
 * @param {() => void} send
 * @returns {Promise<number[][]>} per client, how many milliseconds after `send` each text arrived
 */
export async function sendAtRate(pool, pace, send) {
  const times = timesIn(pace);
  /** @type {number[]} */
  const sentAt = [];
  const waits = pool.clients.map(() => /** @type {number[]} */ ([]));
  const delivered = new Promise((resolve, reject) => {
    pool.clients.forEach((client, index) => {
      client.connection.listener = new CountingListener(client, (count) => {
        const now = performance.now();
        for (let text = 0; text < count; text++) {
          waits[index].push(now - sentAt[waits[index].length]);
        }
        if (waits[index].length > sentAt.length) {
          reject(new Error('a client received more texts than were sent'));
        } else if (waits.every(({ length }) => length === times)) {
          resolve(undefined);
        }
      });
    });
  });
  const sending = atRate(pace, () => {
    sentAt.push(performance.now());
    send();
  });
  await pool.within(pace.milliseconds + patience, Promise.all([sending, delivered]), () => {
    return `texts: ${waits.map(({ length }) => length).join(', ')} of ${times} arrived`;
  });
  return waits;
}
