import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe } from 'vitest';
import { redisBackplane } from 'nestjs-signalr/redis';

import { describeBackplane } from '../../support/backplane-suite.js';
import { sharedRedis } from '../../support/redis-server.js';
import { missing } from '../../support/requirements.js';

describe.skipIf(missing('redis')).each(['streams', 'pubsub'] as const)('in mode %s', (mode) => {
  let redis: Awaited<ReturnType<typeof sharedRedis>>;

  beforeAll(async () => {
    redis = await sharedRedis();
  });

  afterAll(() => redis.stop());

  describeBackplane(
    'redis',
    (count) => {
      const keyPrefix = `test-${randomUUID()}`;
      return Array.from({ length: count }, () => redisBackplane({ url: redis.url, keyPrefix, mode }));
    },
    { keepsPast: mode === 'streams' },
  );
});
