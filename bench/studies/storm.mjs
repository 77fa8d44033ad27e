import { setTimeout } from 'node:timers/promises';
import { negotiatedSignalrCore } from '../load/dialects/signalr-core.mjs';
import { ClientPool } from '../load/client-pool.mjs';
import { ServerProcess } from '../runner/server-process.mjs';
import { median } from '../runner/statistics.mjs';
import { aspNetCore, baseline, classic, json, socketIoServer } from '../targets.mjs';

/** @param {import('../targets.mjs').Target} target @param {string} platform */
function onPlatform({ title, command, ...target }, platform) {
  return { ...target, title: `${title}, on ${platform}`, command: [...command, platform.toLowerCase()] };
}

/** @param {import('../targets.mjs').Target} target */
function mounted({ title, command, ...target }) {
  return { ...target, title: `${title}, straight from the server`, command: [...command, 'mounted'] };
}

/** Rounds for nothing: this is code that seldom runs, so it takes long to get hot. */
const WARM_UP = 10;

const negotiating = { ...json, dialect: negotiatedSignalrCore };
const byHand = {
  name: 'negotiate-by-hand',
  title: 'Core negotiation, upgrade and handshake by hand',
  command: [process.execPath, 'servers/negotiate-by-hand.mjs'],
  dialect: negotiatedSignalrCore,
};
const entrants = [
  baseline,
  byHand,
  onPlatform(byHand, 'Express'),
  socketIoServer,
  mounted(negotiating),
  onPlatform(negotiating, 'Fastify'),
  onPlatform(negotiating, 'Express'),
  mounted(classic),
  onPlatform(classic, 'Fastify'),
  onPlatform(classic, 'Express'),
  { ...aspNetCore, dialect: negotiatedSignalrCore },
];

/**
 * What it costs when many clients come at the same time: everything from the first request to the answer of the handshake, with
 * negotiation where the client has one. Closing is not counted.
 *
 * @type {import('./study.mjs').Study}
 */
export const storm = {
  name: 'storm',
  title: 'Connection storm',
  async run({ cores, rounds, quick, canRun }) {
    const connections = quick ? 50 : 500;
    const targets = entrants.filter((target) => target.prepare === undefined || canRun(aspNetCore));
    const servers = [];
    try {
      for (const { command, environment } of targets) {
        servers.push(await ServerProcess.start(cores.onServerCore(command), environment));
      }
      /** @type {number[][]} */
      const costs = targets.map(() => []);
      for (let round = -WARM_UP; round < rounds; round++) {
        for (const [index, target] of targets.entries()) {
          const cost = await arrive(servers[index], target, connections);
          if (round >= 0) {
            costs[index].push(cost);
          }
        }
      }
      return findings(targets, costs);
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  },
};

/** CPU time per connection in microseconds. */
async function arrive(server, { dialect }, connections) {
  const before = await server.usage();
  const pool = await ClientPool.open(dialect, server.port, connections);
  const after = await server.usage();
  await pool.close();
  await quiet(server);
  return (cpuOf(after) - cpuOf(before)) / connections;
}

const cpuOf = ({ user, system }) => user + system;

/** A server goes on clearing up after its clients have gone, and it shares a core with the one that is next. */
async function quiet(server) {
  let last = Number.NEGATIVE_INFINITY;
  for (let now = cpuOf(await server.usage()); now - last > 1_000; now = cpuOf(await server.usage())) {
    last = now;
    await setTimeout(10);
  }
}

/** @param {import('../targets.mjs').Target[]} targets @param {number[][]} costs */
function findings(targets, costs) {
  const toSocketIo = (cost, round) => cost / costs[targets.indexOf(socketIoServer)][round];
  const toBare = (cost, round) => cost / costs[0][round];
  return {
    head: ['', 'server CPU time per connection, µs', 'ratio to socket.io', 'ratio to bare `ws`'],
    rows: targets.map(({ title }, index) => [
      title,
      median(costs[index]).toFixed(0),
      median(costs[index].map(toSocketIo)).toFixed(2),
      median(costs[index].map(toBare)).toFixed(2),
    ]),
    data: targets.map(({ title }, index) => ({ title, costs: costs[index] })),
    charts: [
      {
        name: 'storm',
        kind: /** @type {const} */ ('bars'),
        title: 'Server CPU time per new connection, µs',
        bars: targets.map(({ title }, index) => ({ title, value: median(costs[index]) })),
      },
    ],
  };
}
