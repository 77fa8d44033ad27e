import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redisBackplane } from 'nestjs-signalr/redis';
import { backplaneConformance } from 'nestjs-signalr/testing';

import { sharedRedis } from '../../support/redis-server.js';
import { missing } from '../../support/requirements.js';

describe.skipIf(missing('redis')).each(['streams', 'pubsub'] as const)('in mode %s', (mode) => {
  let redis: Awaited<ReturnType<typeof sharedRedis>>;

  beforeAll(async () => {
    redis = await sharedRedis();
  });

  afterAll(() => redis.stop());

  const checks = backplaneConformance(
    (count) => {
      const keyPrefix = `test-${randomUUID()}`;
      return Array.from({ length: count }, () =>
        redisBackplane({ url: redis.url, keyPrefix, mode, bufferSize: 100 }),
      );
    },
    { keepsPast: mode === 'streams', deadline: 5_000 },
  );

  test.each(checks.map(({ name, run }) => [name, run] as const))('%s', async (_, run) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
