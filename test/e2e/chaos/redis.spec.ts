import { describe, expect, test } from 'vitest';

import { runRedis } from '../../chaos/redis.mjs';
import { missing } from '../../support/requirements.js';

/** `CHAOS_SEED=n` repeats the chance of a run. */
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1_000_000));

describe.skipIf(missing('redis'))('a farm whose nodes and Redis die', () => {
  test(
    `no client of either family misses a message without being told, or gets one twice (CHAOS_SEED=${seed})`,
    { timeout: 120_000 },
    async () => {
      const { total, faults } = await runRedis({ seconds: 12, seed });
      expect(total).toMatchObject({ lost: 0, duplicated: 0, outOfOrder: 0 });
      expect(total.delivered + total.signalled).toBe(total.expected);
      expect(total.delivered).toBeGreaterThan(500);
      expect(Object.keys(faults)).not.toEqual([]);
    },
  );
});
