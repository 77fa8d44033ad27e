import { Client } from './client.mjs';

const openAtOnce = 50;
const openTimeout = 30_000;
const closeTimeout = 30_000;
const keepAliveInterval = 10_000;

/** All clients of one sample. The first connection that fails fails everything that is awaited through the pool. */
export class ClientPool {
  /** @type {Client[]} */
  clients = [];
  /** @type {(error: Error) => void} */
  #fail = () => {};
  /** @type {Promise<never>} */
  #failed;
  /** @type {NodeJS.Timeout | undefined} */
  #keepAlive;

  /**
   * @param {import('./dialects/dialect.mjs').Dialect} dialect
   * @param {number | number[]} port with several of them, clients take turns
   * @param {number} size
   */
  static async open(dialect, port, size) {
    const pool = new ClientPool();
    const ports = [port].flat();
    const openOne = async (/** @type {number} */ index) => {
      pool.clients[index] = await Client.open(dialect, ports[index % ports.length], pool.#fail);
    };
    try {
      await pool.within(
        openTimeout,
        inParallel(size, openAtOnce, openOne),
        () => `${size} connections to open`,
      );
    } catch (error) {
      pool.destroy();
      throw error;
    }
    pool.#sendNowAndThen(dialect.keepAlive);
    return pool;
  }

  constructor() {
    this.#failed = new Promise((_, reject) => (this.#fail = reject));
    this.#failed.catch(() => {});
  }

  /**
   * The result of `work`, unless a connection fails or time runs out before.
   *
   * @template T
   * @param {number} milliseconds
   * @param {Promise<T>} work
   * @param {() => string} missing what was still to come when time ran out
   * @returns {Promise<T>}
   */
  async within(milliseconds, work, missing) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`waited ${milliseconds} ms in vain for ${missing()}`)),
        milliseconds,
      );
    });
    try {
      return await Promise.race([work, this.#failed, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Says goodbye as clients do, so that nothing of this sample is left on the server. */
  async close() {
    clearInterval(this.#keepAlive);
    const closed = inParallel(this.clients.length, openAtOnce, (index) => this.clients[index].close());
    await this.within(closeTimeout, closed, () => 'all connections to close');
  }

  destroy() {
    clearInterval(this.#keepAlive);
    this.clients.forEach((client) => client.connection.destroy());
  }

  /** @param {string | undefined} message */
  #sendNowAndThen(message) {
    if (message !== undefined) {
      this.#keepAlive = setInterval(
        () => this.clients.forEach((client) => client.send(message)),
        keepAliveInterval,
      );
    }
  }
}

/** @param {number} count @param {number} atOnce @param {(index: number) => Promise<unknown>} task */
async function inParallel(count, atOnce, task) {
  let next = 0;
  const worker = async () => {
    while (next < count) {
      await task(next++);
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, worker));
}
