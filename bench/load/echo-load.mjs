import { CallRing } from './call-ring.mjs';
import { CountingListener } from './listeners.mjs';
import { verify } from './verification.mjs';

const patience = 10_000;

/**
 * Every client keeps a fixed number of calls open: each reply is followed by the next call, and the replies of one read
 * by as many calls in one write.
 */
export class EchoLoad {
  #pool;
  #dialect;
  #inFlight;
  #ring;

  /**
   * @param {import('./client-pool.mjs').ClientPool} pool
   * @param {import('./dialects/dialect.mjs').Dialect} dialect
   * @param {{ inFlight: number } & import('./payload.mjs').Payload} scenario
   */
  constructor(pool, dialect, scenario) {
    this.#pool = pool;
    this.#dialect = dialect;
    this.#inFlight = scenario.inFlight;
    this.#ring = new CallRing(dialect, scenario);
  }

  verify() {
    return verify(this.#pool, this.#dialect, this.#ring.replies(this.#inFlight), () => {
      for (const client of this.#pool.clients) {
        this.#ring.send(client.connection, 0, this.#inFlight);
      }
    });
  }

  /**
   * Calls for so long, then waits for the open replies.
   *
   * @param {number} milliseconds
   * @returns {Promise<number>} replies
   */
  run(milliseconds) {
    let stopping = false;
    let replies = 0;
    let open = this.#pool.clients.length * this.#inFlight;
    setTimeout(() => (stopping = true), milliseconds);
    const work = new Promise((resolve, reject) => {
      for (const client of this.#pool.clients) {
        const { connection } = client;
        let openHere = this.#inFlight;
        let position = 0;
        connection.listener = new CountingListener(client, (count) => {
          replies += count;
          if (count > openHere) {
            reject(new Error(`${count} replies where ${openHere} calls were open`));
          } else if (!stopping) {
            position = this.#ring.send(connection, position, count);
          } else {
            openHere -= count;
            open -= count;
            if (open === 0) {
              resolve(replies);
            }
          }
        });
        position = this.#ring.send(connection, position, this.#inFlight);
      }
    });
    return this.#pool.within(milliseconds + patience, work, () => `${open} replies`);
  }
}
