import { RedisProcess } from './redis-process.mjs';
import { ServerProcess } from './server-process.mjs';

/**
 * CPU time in microseconds since the processes began.
 *
 * @typedef {{ nodes: number[], redis: number }} FarmUsage
 */

/** Several processes of one server that share a Redis, which nobody else uses. The connections of each node are a group. */
export class Farm {
  /** @type {ServerProcess[]} */
  nodes = [];
  #redis;

  /** @param {import('../targets.mjs').Target} target @param {number} size @param {import('./cores.mjs').Cores} cores */
  static async start({ command, environment }, size, cores) {
    const farm = new Farm(await RedisProcess.start(cores));
    try {
      for (let index = 0; index < size; index++) {
        const settings = [`redis=${farm.#redis.url}`, `group=${groupOfNode(index)}`];
        farm.nodes.push(
          await ServerProcess.start(cores.onServerCore([...command, ...settings]), environment),
        );
      }
    } catch (error) {
      await farm.stop();
      throw error;
    }
    return farm;
  }

  /** @private @param {RedisProcess} redis */
  constructor(redis) {
    this.#redis = redis;
  }

  /** Ports of the first so many nodes. @param {number} count */
  ports(count) {
    return this.nodes.slice(0, count).map(({ port }) => port);
  }

  /** @param {() => Promise<unknown>} work @returns {Promise<FarmUsage>} what it cost */
  async costOf(work) {
    const before = await this.#usage();
    await work();
    const after = await this.#usage();
    return {
      nodes: after.nodes.map((cpu, index) => cpu - before.nodes[index]),
      redis: after.redis - before.redis,
    };
  }

  async stop() {
    await Promise.all(this.nodes.map((node) => node.stop()));
    await this.#redis.stop();
  }

  /** @returns {Promise<FarmUsage>} */
  async #usage() {
    const nodes = [];
    for (const node of this.nodes) {
      const { user, system } = await node.usage();
      nodes.push(user + system);
    }
    return { nodes, redis: await this.#redis.cpu() };
  }
}

/** The group that all connections of a node are in. @param {number} index */
export function groupOfNode(index) {
  return `node-${index}`;
}
