import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redisBackplane } from 'nestjs-signalr/redis';
import { backplaneConformance } from 'nestjs-signalr/testing';

import { redisReleases } from '../../support/redis-releases.js';
import { RedisServer } from '../../support/redis-server.js';
import { missing, redisPrograms } from '../../support/requirements.js';

const modes = ['streams', 'pubsub'] as const;
const setups = redisPrograms().flatMap((program) =>
  redisReleases.flatMap((release) => modes.map((mode) => ({ program, release, client: release.name, mode }))),
);

describe.skipIf(missing('redis')).each(setups)('$program, $client, mode $mode', (setup) => {
  const { program, release, mode } = setup;
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await RedisServer.startProgram(program);
  });

  afterAll(() => redis.stop());

  const checks = backplaneConformance(
    (count) => {
      const keyPrefix = `test-${randomUUID()}`;
      const client = release.createClient({ url: redis.url });
      return Array.from({ length: count }, () =>
        redisBackplane({ client, keyPrefix, mode, bufferSize: 100 }),
      );
    },
    { keepsPast: mode === 'streams', deadline: 5_000 },
  );

  test.each(checks.map(({ name, run }) => [name, run] as const))('%s', async (_, run) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
