import { BroadcastLoad } from '../../load/broadcast-load.mjs';
import { ClientPool } from '../../load/client-pool.mjs';
import { EchoLoad } from '../../load/echo-load.mjs';
import { atRate, sendAtRate, timesIn } from '../../load/paced-sending.mjs';
import { textOf } from '../../load/payload.mjs';
import { verify } from '../../load/verification.mjs';
import { groupOfNode } from '../../runner/farm.mjs';
import { quantile } from '../../runner/statistics.mjs';

/** @typedef {import('../../runner/farm.mjs').Farm} Farm */
/** @typedef {import('../../load/dialects/dialect.mjs').Dialect} Dialect */

const bytes = 100;
const texts = [textOf(bytes, 1_000)];
const expected = texts.map((text) => ({ text }));
const call = { inFlight: 1, bytes: 32 };
const runIn = 250;
const broadcastsPerSecond = 200;
const groupMessagesPerSecond = 1_000;
const bystanders = 100;
const audience = 300;

/** How many nodes the measurements need. */
export const farmSize = 3;

/** The node that sends, the one that has the receiver of a group, and one that has connections which nobody means. */
const [sender, receiver, bystander] = [0, 1, 2];

/**
 * Milliseconds between the command to send and the arrival at a client of the node that sends, and of another one.
 *
 * @param {Farm} farm
 * @param {Dialect} dialect
 * @param {number} milliseconds
 */
export async function measureLatency(farm, dialect, milliseconds) {
  return withPool(dialect, farm.ports(2), 2, async (pool) => {
    const send = () => farm.nodes[sender].broadcast(texts);
    await verify(pool, dialect, expected, send);
    const waits = await sendAtRate(pool, { rate: broadcastsPerSecond, milliseconds }, send);
    const [same, other] = waits.map((own) => own.toSorted((a, b) => a - b));
    return {
      'same-p50': quantile(same, 0.5),
      'same-p99': quantile(same, 0.99),
      'other-p50': quantile(other, 0.5),
      'other-p99': quantile(other, 0.99),
    };
  });
}

/**
 * CPU time of each process per message to a group with one connection, on another node than the sender's. What the processes use
 * while the sender gets as many commands that have no text is taken off: keeping alive, timers, and reading the commands.
 *
 * @param {Farm} farm
 * @param {Dialect} dialect
 * @param {number} milliseconds
 */
export async function measureGroupMessages(farm, dialect, milliseconds) {
  const pace = { rate: groupMessagesPerSecond, milliseconds };
  const say = (/** @type {string[]} */ what) => farm.nodes[sender].group(what, groupOfNode(receiver));
  return withPool(dialect, [farm.nodes[bystander].port], bystanders, () =>
    withPool(dialect, [farm.nodes[receiver].port], 1, async (pool) => {
      await verify(pool, dialect, expected, () => say(texts));
      await sendAtRate(pool, { ...pace, milliseconds: runIn }, () => say(texts));
      const idle = await farm.costOf(() => atRate(pace, () => say([])));
      const busy = await farm.costOf(() => sendAtRate(pool, pace, () => say(texts)));
      const more = (/** @type {number} */ node) => (busy.nodes[node] - idle.nodes[node]) / timesIn(pace);
      return {
        sender: more(sender),
        receiver: more(receiver),
        bystander: more(bystander),
        'bystander-share': (more(bystander) * groupMessagesPerSecond) / 10_000,
        redis: (busy.redis - idle.redis) / timesIn(pace),
      };
    }),
  );
}

/**
 * CPU time of all nodes together, and of Redis, per delivery of a broadcast to clients that are spread over so many nodes. The next
 * text is sent when all have the last one.
 *
 * @param {Farm} farm
 * @param {Dialect} dialect
 * @param {number} milliseconds
 * @param {number} spread
 */
export async function measureFanOut(farm, dialect, milliseconds, spread) {
  return withPool(dialect, farm.ports(spread), audience, async (pool) => {
    const load = new BroadcastLoad(pool, dialect, { burst: 1, bytes }, (what) => {
      farm.nodes[sender].broadcast(what);
    });
    await load.verify();
    await load.run(runIn);
    let deliveries = 0;
    const { nodes, redis } = await farm.costOf(async () => (deliveries = await load.run(milliseconds)));
    return {
      [`fan-out-${spread}`]: nodes.reduce((sum, cpu) => sum + cpu) / deliveries,
      [`fan-out-redis-${spread}`]: redis / deliveries,
    };
  });
}

/**
 * @template T
 * @param {Dialect} dialect
 * @param {number[]} ports
 * @param {number} size
 * @param {(pool: ClientPool) => Promise<T>} measure
 * @returns {Promise<T>}
 */
async function withPool(dialect, ports, size, measure) {
  const pool = await ClientPool.open(dialect, ports, size);
  try {
    // Connections are welcome before their node has told Redis what they want to hear; once a call is answered, it has.
    await new EchoLoad(pool, dialect, call).verify();
    const measured = await measure(pool);
    await pool.close();
    return measured;
  } finally {
    pool.destroy();
  }
}
