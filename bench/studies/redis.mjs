import { Farm } from '../runner/farm.mjs';
import { redisVersion } from '../runner/redis-process.mjs';
import { median } from '../runner/statistics.mjs';
import { json, socketIoServer } from '../targets.mjs';
import { farmSize, measureFanOut, measureGroupMessages, measureLatency } from './redis/measurements.mjs';

/** The one that the others are compared with is the last. */
const targets = [
  inMode('streams'),
  inMode('pubsub'),
  { ...socketIoServer, title: 'socket.io, Redis streams adapter' },
];
const peer = targets.length - 1;

/** @param {string} mode */
function inMode(mode) {
  return { ...json, title: `nestjs-signalr, ${mode}`, command: [...json.command, `mode=${mode}`] };
}

const latencyIs = 'a broadcast arrives at a client of';
const groupIs = 'message to a group with one client on another node, µs:';
const fanOutIs = 'delivery of a broadcast to 300 clients';
const spreads = [1, 2, 3];

/** Rows of the table: what is measured under this name, and its digits. @type {[string, string, number][]} */
const lines = [
  ['same-p50', `${latencyIs} the node that sends, median, ms`, 2],
  ['same-p99', '… p99, ms', 2],
  ['other-p50', `${latencyIs} another node, median, ms`, 2],
  ['other-p99', '… p99, ms', 2],
  ['sender', `${groupIs} CPU of the node that sends`, 1],
  ['receiver', '… CPU of the node of the client', 1],
  ['redis', '… CPU of Redis', 1],
  ['bystander', '… CPU of a node with 100 clients that it does not concern', 2],
  ['bystander-share', '… the same in percent of a core', 2],
  ...spreads.flatMap((spread) => [
    [`fan-out-${spread}`, `${fanOutIs} on ${spread} of 3 nodes, µs: CPU of all nodes`, 2],
    [`fan-out-redis-${spread}`, '… CPU of Redis', 2],
  ]),
];

/**
 * What several nodes cost: the way over Redis, in time and in CPU of everybody who takes part, and of who does not.
 *
 * @type {import('./study.mjs').Study}
 */
export const redis = {
  name: 'redis',
  title: 'Several nodes with Redis',
  prepare: () => (redisVersion() === undefined ? 'redis-server was not found' : undefined),
  async run({ cores, rounds, quick }) {
    const farms = [];
    try {
      for (const target of targets) {
        farms.push(await Farm.start(target, farmSize, cores));
      }
      /** Per target and round. @type {Record<string, number>[][]} */
      const measured = targets.map(() => []);
      for (let round = -1; round < rounds; round++) {
        const results = await playRound(farms, quick ? 300 : 2_000, round);
        if (round >= 0) {
          results.forEach((result, index) => measured[index].push(result));
        }
      }
      return findings(measured);
    } finally {
      await Promise.all(farms.map((farm) => farm.stop()));
    }
  },
};

/**
 * The farms take turns in each measurement, and another one begins in each round.
 *
 * @param {Farm[]} farms
 * @param {number} milliseconds of each measurement
 * @param {number} round
 */
async function playRound(farms, milliseconds, round) {
  const measurements = [
    measureLatency,
    measureGroupMessages,
    ...spreads.map((spread) => (farm, dialect, time) => measureFanOut(farm, dialect, time / 2, spread)),
  ];
  /** @type {Record<string, number>[]} */
  const results = farms.map(() => ({}));
  for (const measure of measurements) {
    for (const turn of farms.keys()) {
      const index = (turn + round + 1) % farms.length;
      Object.assign(results[index], await measure(farms[index], targets[index].dialect, milliseconds));
    }
  }
  return results;
}

/** @param {Record<string, number>[][]} measured */
function findings(measured) {
  const others = [...targets.keys()].filter((index) => index !== peer);
  const middle = (index, name) => median(measured[index].map((result) => result[name]));
  const ratio = (index, name) => {
    const ratios = measured[index].map((result, round) => result[name] / measured[peer][round][name]);
    const [lowest, highest] = [Math.min(...ratios), Math.max(...ratios)];
    return `**${fixed(median(ratios), 2)}** (${fixed(lowest, 2)}–${fixed(highest, 2)})`;
  };
  const bars = (name) => targets.map(({ title }, index) => ({ title, value: middle(index, name) }));
  return {
    head: [
      `Redis ${redisVersion()}`,
      ...targets.map(({ title }) => title),
      ...others.map((index) => `${targets[index].title.replace('nestjs-signalr, ', '')} to socket.io`),
    ],
    rows: lines.map(([name, title, digits]) => [
      title,
      ...[...targets.keys()].map((index) => fixed(middle(index, name), digits)),
      ...others.map((index) => ratio(index, name)),
    ]),
    data: {
      redis: redisVersion(),
      results: targets.map(({ title }, index) => ({ title, rounds: measured[index] })),
    },
    charts: [
      {
        name: 'redis-sender',
        kind: /** @type {const} */ ('bars'),
        title: 'CPU time of the sending node per message to a client of another node, µs',
        bars: bars('sender'),
      },
      {
        name: 'redis-bystander',
        kind: /** @type {const} */ ('bars'),
        title: 'CPU time of a node per message that does not concern it, µs',
        bars: bars('bystander'),
      },
    ],
  };
}

/** Nothing has no sign. @param {number} value @param {number} digits */
function fixed(value, digits) {
  return value.toFixed(digits).replace(/^-(?=[0.]+$)/, '');
}
