import { CallRing } from './call-ring.mjs';
import { quantile } from '../runner/statistics.mjs';
import { CountingListener } from './listeners.mjs';

const patience = 10_000;

/**
 * Calls at a fixed rate, whether or not the last ones have been answered, so that a server that stalls cannot hide it: a wait begins
 * when the call was due.
 */
export class PacedLoad {
  #pool;
  #ring;

  /**
   * @param {import('./client-pool.mjs').ClientPool} pool
   * @param {import('./dialects/dialect.mjs').Dialect} dialect
   * @param {import('./payload.mjs').Payload} scenario
   */
  constructor(pool, dialect, scenario) {
    this.#pool = pool;
    this.#ring = new CallRing(dialect, scenario);
  }

  /**
   * @param {number} milliseconds
   * @param {number} rate calls per second over all connections
   * @returns {Promise<{ p50: number, p99: number, p999: number }>} milliseconds
   */
  run(milliseconds, rate) {
    const { clients } = this.#pool;
    const calls = Math.floor((rate * milliseconds) / 1_000);
    const interval = 1_000 / rate;
    const waits = new Float64Array(calls);
    let answered = 0;
    const work = new Promise((resolve) => {
      /** When the open calls of each connection were due; replies come in the order of calls. */
      const due = clients.map(() => /** @type {number[]} */ ([]));
      const positions = clients.map(() => 0);
      clients.forEach((client, index) => {
        client.connection.listener = new CountingListener(client, (count) => {
          const now = performance.now();
          for (const since of due[index].splice(0, count)) {
            waits[answered++] = now - since;
          }
          if (answered === calls) {
            resolve(quantiles(waits));
          }
        });
      });
      const begin = performance.now();
      let sent = 0;
      const tick = () => {
        const now = performance.now();
        for (; sent < calls && begin + sent * interval <= now; sent++) {
          const index = sent % clients.length;
          due[index].push(begin + sent * interval);
          positions[index] = this.#ring.send(clients[index].connection, positions[index], 1);
        }
        if (sent < calls) {
          setImmediate(tick);
        }
      };
      tick();
    });
    return this.#pool.within(milliseconds + patience, work, () => `${calls - answered} of ${calls} replies`);
  }
}

/** @param {Float64Array} waits */
function quantiles(waits) {
  waits.sort();
  return { p50: quantile(waits, 0.5), p99: quantile(waits, 0.99), p999: quantile(waits, 0.999) };
}
