import { ClientPool } from '../load/client-pool.mjs';
import { ServerProcess } from '../runner/server-process.mjs';
import { aspNetCore, baseline, classic, json, socketIoServer } from '../targets.mjs';

const KIB = 1024;

/**
 * What a connection costs in memory while nothing happens: the growth of the process between the first thousand connections, which
 * pay for code and pools, and ten thousand.
 *
 * @type {import('./study.mjs').Study}
 */
export const memory = {
  name: 'memory',
  title: 'Memory of an idle connection',
  async run({ cores, quick, canRun }) {
    const [first, rest] = quick ? [100, 400] : [1_000, 9_000];
    const measured = [];
    for (const target of [baseline, socketIoServer, json, classic, aspNetCore].filter(canRun)) {
      measured.push({ target, ...(await measure(target, { cores, first, rest })) });
    }
    const [bare] = measured;
    return {
      head: ['', 'resident memory, KiB', 'ratio to bare `ws`', 'JavaScript or .NET heap, KiB'],
      rows: measured.map(({ target, rss, heap }) => [
        target.title,
        rss.toFixed(1),
        (rss / bare.rss).toFixed(2),
        heap.toFixed(1),
      ]),
      data: measured.map(({ target, rss, heap }) => ({ target: target.name, rss, heap })),
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
