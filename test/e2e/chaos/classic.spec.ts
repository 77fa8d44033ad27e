import { expect, test } from 'vitest';

import { runChaos } from '../../chaos/chaos.mjs';
import { classic } from '../../chaos/classic.mjs';

/** `CHAOS_SEED=n` repeats the chance of a run. */
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1_000_000));

test.concurrent.each(classic.kinds)(
  `over %s, each message arrives once and in order, whatever happens to the lines (CHAOS_SEED=${seed})`,
  { timeout: 60_000 },
  async (transport) => {
    const { total, clients } = await runChaos(classic, { seconds: 4, seed, kinds: [transport] });
    expect(total).toMatchObject({ delivered: total.expected, lost: 0, duplicated: 0, outOfOrder: 0 });
    expect(total.expected).toBeGreaterThan(500);
    // Lines did break.
    expect(clients.reduce((sum, { reconnects }) => sum + reconnects, 0)).toBeGreaterThan(0);
  },
);
