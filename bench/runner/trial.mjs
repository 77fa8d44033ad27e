import { BroadcastLoad } from '../load/broadcast-load.mjs';
import { ClientPool } from '../load/client-pool.mjs';
import { EchoLoad } from '../load/echo-load.mjs';

/** @typedef {import('./server-process.mjs').ServerProcess} ServerProcess */

/**
 * What a server did in one round.
 *
 * @typedef {object} Sample
 * @property {number} messages replies or deliveries
 * @property {number} seconds
 * @property {number} cpuPerMessage of the server, user and system, in microseconds
 * @property {number} systemPerMessage the part of it that the kernel used
 * @property {number} serverBusy share of the time in which the server used its core
 * @property {number} loadBusy the same of the load; near 1 with an idle server, the load is too slow
 * @property {number} rss of the server at the end, in bytes
 */

/** One round of one server: open the connections, check answers, warm up, measure in slices, check again, close. */
export class Trial {
  #server;
  #pool;
  #load;
  #total = { messages: 0, wall: 0, user: 0, system: 0, load: 0, rss: 0 };

  /**
   * @param {ServerProcess} server
   * @param {import('../load/dialects/dialect.mjs').Dialect} dialect
   * @param {import('../scenarios.mjs').Scenario} scenario
   * @param {number} warmUp milliseconds
   */
  static async begin(server, dialect, scenario, warmUp) {
    const pool = await ClientPool.open(dialect, server.port, scenario.connections);
    const trial = new Trial(server, pool, loadFor(scenario, pool, dialect, server));
    try {
      await trial.#load.verify();
      await trial.#load.run(warmUp);
    } catch (error) {
      trial.abandon();
      throw error;
    }
    return trial;
  }

  /** @private @param {ServerProcess} server @param {ClientPool} pool @param {EchoLoad | BroadcastLoad} load */
  constructor(server, pool, load) {
    this.#server = server;
    this.#pool = pool;
    this.#load = load;
  }

  /**
   * Adds a slice to what is measured.
   *
   * @param {number} milliseconds
   * @param {number} runIn milliseconds before: caches are cold and heaps have shrunk while others had their turn
   */
  async measure(milliseconds, runIn) {
    await this.#load.run(runIn);
    const before = await this.#server.usage();
    const loadBefore = process.cpuUsage();
    const begin = process.hrtime.bigint();
    const messages = await this.#load.run(milliseconds);
    const wall = Number(process.hrtime.bigint() - begin) / 1_000;
    const load = process.cpuUsage(loadBefore);
    const after = await this.#server.usage();

    const total = this.#total;
    total.messages += messages;
    total.wall += wall;
    total.user += after.user - before.user;
    total.system += after.system - before.system;
    total.load += load.user + load.system;
    total.rss = after.rss;
  }

  /** @returns {Promise<Sample>} */
  async end() {
    // Once more: whatever came too often, or wrong in the heat, shows up now.
    await this.#load.verify();
    await this.#pool.close();
    const { messages, wall, user, system, load, rss } = this.#total;
    return {
      messages,
      seconds: wall / 1_000_000,
      cpuPerMessage: (user + system) / messages,
      systemPerMessage: system / messages,
      serverBusy: (user + system) / wall,
      loadBusy: load / wall,
      rss,
    };
  }

  abandon() {
    this.#pool.destroy();
  }
}

/**
 * @param {import('../scenarios.mjs').Scenario} scenario
 * @param {ClientPool} pool
 * @param {import('../load/dialects/dialect.mjs').Dialect} dialect
 * @param {ServerProcess} server
 */
function loadFor(scenario, pool, dialect, server) {
  switch (scenario.kind) {
    case 'echo':
      return new EchoLoad(pool, dialect, scenario);
    case 'broadcast':
      return new BroadcastLoad(pool, dialect, scenario, (texts) => server.broadcast(texts));
    case 'groups':
      return new BroadcastLoad(pool, dialect, scenario, (texts) =>
        server.groups(texts, scenario.connections),
      );
  }
}
