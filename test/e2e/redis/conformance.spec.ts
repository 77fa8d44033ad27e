import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redisBackplane } from 'nestjs-signalr/redis';
import { backplaneConformance } from 'nestjs-signalr/testing';

import { redisReleases } from '../../support/redis-releases.js';
import { sharedRedis } from '../../support/redis-server.js';
import { missing } from '../../support/requirements.js';

const modes = ['streams', 'pubsub'] as const;

describe
  .skipIf(missing('redis'))
  .each(redisReleases.flatMap((release) => modes.map((mode) => ({ release, mode, name: release.name }))))(
  'with $name in mode $mode',
  ({ release, mode }) => {
    let redis: Awaited<ReturnType<typeof sharedRedis>>;

    beforeAll(async () => {
      redis = await sharedRedis();
    });

    afterAll(() => redis.stop());

    const checks = backplaneConformance(
      (count) => {
        const keyPrefix = `test-${randomUUID()}`;
        const client = release.createClient({ url: redis.url });
        return Array.from({ length: count }, () => redisBackplane({ client, keyPrefix, mode }));
      },
      { keepsPast: mode === 'streams', deadline: 5_000 },
    );

    test.each(checks.map(({ name, run }) => [name, run] as const))('%s', async (_, run) => {
      await expect(run()).resolves.toBeUndefined();
    });
  },
);
