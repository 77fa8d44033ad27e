import { ClientPool } from '../load/client-pool.mjs';
import { EchoLoad } from '../load/echo-load.mjs';
import { PacedLoad } from '../load/paced-load.mjs';
import { ServerProcess } from '../runner/server-process.mjs';
import { median } from '../runner/statistics.mjs';
import { aspNetCore, baseline, classic, json, socketIoServer } from '../targets.mjs';

const connections = 64;
const scenario = { inFlight: 1, bytes: 32 };
const shareOfSaturation = 0.7;

/**
 * How long a caller waits, at one rate for all servers: 70 % of what bare `ws` can do with one call in flight per connection.
 *
 * @type {import('./study.mjs').Study}
 */
export const latency = {
  name: 'latency',
  title: 'Latency at a fixed rate',
  async run({ cores, rounds, quick, canRun }) {
    const milliseconds = quick ? 300 : 1_500;
    const targets = [baseline, socketIoServer, json, classic, aspNetCore].filter(canRun);
    const entrants = [];
    try {
      for (const target of targets) {
        entrants.push(await enter(target, cores));
      }
      const rate = shareOfSaturation * (await saturation(entrants[0], milliseconds));
      for (let round = -1; round < rounds; round++) {
        for (const { load, samples } of entrants) {
          const waits = await load.run(milliseconds, rate);
          if (round >= 0) {
            samples.push(waits);
          }
        }
      }
      return findings(entrants, rate);
    } finally {
      for (const { pool, server } of entrants) {
        pool.destroy();
        await server.stop();
      }
    }
  },
};

/** @param {import('../targets.mjs').Target} target @param {import('../runner/cores.mjs').Cores} cores */
async function enter(target, cores) {
  const server = await ServerProcess.start(cores.onServerCore(target.command), target.environment);
  const pool = await ClientPool.open(target.dialect, server.port, connections);
  const echo = new EchoLoad(pool, target.dialect, scenario);
  await echo.verify();
  await echo.run(500);
  return { target, server, pool, echo, load: new PacedLoad(pool, target.dialect, scenario), samples: [] };
}

/** Calls per second. */
async function saturation({ echo }, milliseconds) {
  const begin = performance.now();
  const replies = await echo.run(milliseconds);
  return (replies / (performance.now() - begin)) * 1_000;
}

function findings(entrants, rate) {
  const at = ({ samples }, quantile) => median(samples.map((waits) => waits[quantile]));
  return {
    head: [`${Math.round(rate).toLocaleString('en')} calls per second`, 'median, ms', 'p99, ms', 'p99.9, ms'],
    rows: entrants.map((entrant) => [
      entrant.target.title,
      ...['p50', 'p99', 'p999'].map((quantile) => at(entrant, quantile).toFixed(2)),
    ]),
    data: { rate, results: entrants.map(({ target, samples }) => ({ target: target.name, samples })) },
    charts: [
      {
        name: 'latency',
        kind: /** @type {const} */ ('bars'),
        title: `p99 of an echo at ${Math.round(rate / 1_000)} thousand calls per second, ms`,
        bars: entrants.map((entrant) => ({ title: entrant.target.title, value: at(entrant, 'p99') })),
      },
    ],
  };
}
