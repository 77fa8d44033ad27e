import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redisBackplane } from 'nestjs-signalr/redis';
import { backplaneConformance } from 'nestjs-signalr/testing';
import { createSentinel } from 'redis';

import { call, RecordingNode, textOf } from '../../../lib/testing/conformance/recording-node.js';
import { RedisCluster } from '../../support/redis-cluster.js';
import { redisReleases } from '../../support/redis-releases.js';
import { RedisServer } from '../../support/redis-server.js';
import { missing } from '../../support/requirements.js';

/** Modes differ in what is published, not in how clients reach it: one release is enough for the second. */
const setups = redisReleases.map((release, index) => ({
  ...release,
  modes: index === 0 ? (['streams', 'pubsub'] as const) : (['streams'] as const),
}));

describe.skipIf(missing('redis')).each(setups)('a cluster, with $name', ({ createCluster, modes }) => {
  let cluster: RedisCluster;
  const client = () => createCluster({ rootNodes: cluster.rootNodes });

  beforeAll(async () => {
    cluster = await RedisCluster.start(1);
  });

  afterAll(() => cluster.stop());

  describe.each(modes)('in mode %s', (mode) => {
    const checks = backplaneConformance(
      (count) => {
        const keyPrefix = `test-${randomUUID()}`;
        return Array.from({ length: count }, () => redisBackplane({ client: client(), keyPrefix, mode }));
      },
      { keepsPast: mode === 'streams', deadline: 5_000 },
    );

    test.each(checks.map(({ name, run }) => [name, run] as const))('%s', async (_, run) => {
      await expect(run()).resolves.toBeUndefined();
    });
  });

  test('a node comes back to it after it has been away', async () => {
    const backplane = redisBackplane({ client: client(), keyPrefix: randomUUID(), leaseDuration: 300 });
    const node = new RecordingNode('n');
    await backplane.start(node);
    await backplane.subscribe('t');
    const [redis] = cluster.primaries as [RedisServer];
    await redis.kill();
    await backplane.publish('t', call('1'));
    await redis.restart();
    await backplane.publish('t', call('2'));
    await expect.poll(() => backplane.health(), { timeout: 10_000 }).toEqual({ status: 'up' });
    expect(node.received.pending.map(textOf)).toEqual(['1', '2']);
    await backplane.stop();
  });
});

describe.skipIf(missing('redis'))('a Redis that sentinels watch over', () => {
  let redis: RedisServer;
  let sentinel: RedisServer;

  beforeAll(async () => {
    redis = await RedisServer.start();
    sentinel = await RedisServer.startSentinel(redis);
  });

  afterAll(async () => {
    await sentinel.stop();
    await redis.stop();
  });

  const checks = backplaneConformance(
    (count) => {
      const keyPrefix = `test-${randomUUID()}`;
      const root = { host: '127.0.0.1', port: sentinel.port };
      return Array.from({ length: count }, () => {
        const client = createSentinel({ name: RedisServer.MASTER, sentinelRootNodes: [root] });
        return redisBackplane({ client, keyPrefix });
      });
    },
    { deadline: 5_000 },
  );

  test.each(checks.map(({ name, run }) => [name, run] as const))('%s', async (_, run) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe.skipIf(missing('redis')).each(redisReleases)(
  'a client of $name that the application has made',
  ({ createClient }) => {
    let redis: RedisServer;

    beforeAll(async () => {
      redis = await RedisServer.start();
      await redis.command(
        'ACL',
        'SETUSER',
        'app',
        'on',
        '>pass',
        '~{mine}:*',
        '&{mine}:*',
        '+@all',
        '-@dangerous',
      );
    });

    afterAll(() => redis.stop());

    test.each([2, 3] as const)('gives its options, and is left alone (RESP %i)', async (RESP) => {
      const client = createClient({ url: redis.url, username: 'app', password: 'pass', RESP });
      const backplanes = [0, 1].map(() => redisBackplane({ client, keyPrefix: 'mine' }));
      const nodes = [new RecordingNode('n0'), new RecordingNode('n1')] as const;
      for (const [index, backplane] of backplanes.entries()) {
        await backplane.start(nodes[index as 0 | 1]);
      }
      await backplanes[1]?.subscribe('t');
      const cursor = backplanes[0]?.tail() ?? '';
      await backplanes[0]?.publish('t', call('x'));
      expect(textOf(await nodes[1].received.next('a message'))).toBe('x');
      const replay = await backplanes[0]?.replay([{ topic: 't' }], cursor);
      expect(replay?.envelopes.map(textOf)).toEqual(['x']);
      await backplanes[0]?.directory.add({
        connectionId: 'c',
        nodeId: 'n0',
        protocol: 'core',
        hubs: ['h'],
        userId: 'u',
      });
      expect(await backplanes[1]?.directory.list({ hub: 'h', userId: 'u' })).toHaveLength(1);
      for (const backplane of backplanes) {
        await backplane.stop();
      }
      expect(client.isOpen).toBe(false);
    });
  },
);
