import { CountingListener } from './listeners.mjs';
import { textOf } from './payload.mjs';
import { verify } from './verification.mjs';

const patience = 10_000;

/** The next burst is asked for when every client has received the whole last one. */
export class BroadcastLoad {
  #pool;
  #dialect;
  #texts;
  #broadcast;

  /**
   * @param {import('./client-pool.mjs').ClientPool} pool
   * @param {import('./dialects/dialect.mjs').Dialect} dialect
   * @param {{ burst: number, bytes: number }} scenario
   * @param {(texts: string[]) => void} broadcast makes the server do it
   */
  constructor(pool, dialect, { burst, bytes }, broadcast) {
    this.#pool = pool;
    this.#dialect = dialect;
    this.#texts = Array.from({ length: burst }, (_, i) => textOf(bytes, 1000 + i));
    this.#broadcast = broadcast;
  }

  verify() {
    const expected = this.#texts.map((text) => ({ text }));
    return verify(this.#pool, this.#dialect, expected, () => this.#broadcast(this.#texts));
  }

  /**
   * @param {number} milliseconds
   * @returns {Promise<number>} deliveries
   */
  run(milliseconds) {
    const burst = this.#texts.length;
    const perBurst = burst * this.#pool.clients.length;
    let stopping = false;
    let bursts = 1;
    let missing = perBurst;
    setTimeout(() => (stopping = true), milliseconds);
    const work = new Promise((resolve, reject) => {
      for (const client of this.#pool.clients) {
        let received = 0;
        client.connection.listener = new CountingListener(client, (count) => {
          received += count;
          missing -= count;
          if (received > bursts * burst) {
            reject(new Error(`a client received ${received} broadcasts of ${bursts * burst}`));
          } else if (missing === 0 && stopping) {
            resolve(bursts * perBurst);
          } else if (missing === 0) {
            bursts++;
            missing = perBurst;
            this.#broadcast(this.#texts);
          }
        });
      }
      this.#broadcast(this.#texts);
    });
    return this.#pool.within(milliseconds + patience, work, () => `${missing} of ${perBurst} deliveries`);
  }
}
