import { ClientPool } from '../load/client-pool.mjs';
import { ServerProcess } from '../runner/server-process.mjs';
import { median } from '../runner/statistics.mjs';
import { aspNetCore, baseline, classic, json, socketIoServer } from '../targets.mjs';

const KIB = 1024;

/**
 * What a connection costs in memory while nothing happens: the growth of the process between the first thousand connections, which
 * pay for code and pools, and ten thousand. One reading can be off by a tenth and more, so each server is started several times.
 *
 * @type {import('./study.mjs').Study}
 */
export const memory = {
  name: 'memory',
  title: 'Memory of an idle connection',
  async run({ cores, rounds, quick, canRun }) {
    const [first, rest] = quick ? [100, 400] : [1_000, 9_000];
    const targets = [baseline, socketIoServer, json, classic, aspNetCore].filter(canRun);
    const readings = targets.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [index, target] of targets.entries()) {
        readings[index].push(await measure(target, { cores, first, rest }));
      }
    }
    const measured = targets.map((target, index) => summary(target, readings[index], readings[0]));
    return {
      head: [
        '',
        'resident memory, KiB',
        'ratio to bare `ws` (lowest–highest)',
        'JavaScript or .NET heap, KiB',
      ],
      rows: measured.map(({ target, rss, heap, ratios }) => [
        target.title,
        rss.toFixed(1),
        `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`,
        heap.toFixed(1),
      ]),
      data: targets.map(({ name }, index) => ({ target: name, readings: readings[index] })),
      charts: [
        {
          name: 'memory',
          kind: 'bars',
          title: `Resident memory per idle connection at ${(first + rest).toLocaleString('en')}, KiB`,
          bars: measured.map(({ target, rss }) => ({ title: target.title, value: rss })),
        },
      ],
    };
  },
};

function summary(target, own, bare) {
  return {
    target,
    rss: median(own.map(({ rss }) => rss)),
    heap: median(own.map(({ heap }) => heap)),
    ratios: own.map(({ rss }, round) => rss / bare[round].rss),
  };
}

/**
 * @param {import('../targets.mjs').Target} target
 * @param {{ cores: import('../runner/cores.mjs').Cores, first: number, rest: number }} settings
 */
async function measure({ command: [program, ...args], dialect, environment }, { cores, first, rest }) {
  const flags = program === process.execPath ? ['--expose-gc'] : [];
  const server = await ServerProcess.start(cores.onServerCore([program, ...flags, ...args]), environment);
  const pools = [];
  try {
    pools.push(await ClientPool.open(dialect, server.port, first));
    const before = await settled(server);
    pools.push(await ClientPool.open(dialect, server.port, rest));
    const after = await settled(server);
    return {
      rss: (after.rss - before.rss) / rest / KIB,
      heap: (after.heapUsed - before.heapUsed) / rest / KIB,
    };
  } finally {
    pools.forEach((pool) => pool.destroy());
    await server.stop();
  }
}

/** Twice: what the first collection frees may hold something else. @param {ServerProcess} server */
async function settled(server) {
  await server.usage({ collect: true });
  return server.usage({ collect: true });
}
