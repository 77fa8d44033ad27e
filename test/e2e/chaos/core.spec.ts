import { expect, test } from 'vitest';

import { runChaos } from '../../chaos/chaos.mjs';
import { core } from '../../chaos/core.mjs';

/** One chance that is the same every time, and one that is not; `CHAOS_SEED=n` repeats that. */
const seeds = [7, Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1_000_000))];

const runs = seeds.flatMap((seed) => core.kinds.map((kind) => ({ seed, kind })));

test.concurrent.each(runs)(
  'each message, call and result of the $kind client arrives once and in order, whatever happens to the lines (CHAOS_SEED=$seed)',
  { timeout: 60_000 },
  async ({ seed, kind }) => {
    const { total, clients } = await runChaos(core, { seconds: 4, seed, kinds: [kind] });
    expect(total).toMatchObject({ delivered: total.expected, lost: 0, duplicated: 0, outOfOrder: 0 });
    expect(total.expected).toBeGreaterThan(500);
    // Lines did break.
    expect(clients.reduce((sum, { reconnects }) => sum + reconnects, 0)).toBeGreaterThan(0);
  },
);
