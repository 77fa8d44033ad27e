import { randomUUID } from 'node:crypto';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { RedisCluster } from '../../support/redis-cluster.js';
import { untilHealth } from '../../support/redis-farm.js';
import { redisReleases } from '../../support/redis-releases.js';
import { missing } from '../../support/requirements.js';
import { TalkingNodes } from '../../support/talking-nodes.js';
import { until } from '../../support/until.js';

describe.skipIf(missing('redis')).each(redisReleases)(
  'when the slot of an application moves, $name',
  (release) => {
    let cluster: RedisCluster;
    let keyPrefix: string;
    let talk: TalkingNodes;

    const options = () => ({ client: release.createCluster({ rootNodes: cluster.rootNodes }), keyPrefix });

    beforeAll(async () => {
      cluster = await RedisCluster.start(3);
    }, 30_000);

    afterAll(() => cluster.stop());

    beforeEach(() => {
      keyPrefix = `test-${randomUUID()}`;
    });

    afterEach(() => talk.stop());

    test('messages wait for it, none is missing, none comes twice, all are in order', async () => {
      talk = await TalkingNodes.start(options);
      const { slot, owner, other } = await cluster.ownerOf(`{${keyPrefix}}`);
      await talk.talkDuring(() => cluster.move(slot, owner, other));
      expect(talk.faults()).toEqual([]);
      expect(talk.nodes.map((node) => node.gaps)).toEqual([[], []]);
      // All connections have followed, and none is left behind.
      expect(await cluster.subscribersOf(owner)).toBe(0);
      expect(await cluster.subscribersOf(other)).toBe(2);
    });

    test('it is as without Redis while the slot is on its way, and nothing is written on the other side', async () => {
      talk = await TalkingNodes.start(options);
      const [a, b] = talk.nodes;
      const { slot, owner, other } = await cluster.ownerOf(`{${keyPrefix}}`);
      const entry = {
        connectionId: 'c',
        nodeId: 'a',
        protocol: 'classic',
        hubs: ['h'],
        userId: 'ann',
      } as const;
      await a.backplane.directory.add(entry);
      await cluster.move(slot, owner, other, async () => {
        await a.say();
        await untilHealth(a.backplane, 'degraded');
        await a.backplane.directory.joined('c', 'g');
        await expect(b.backplane.directory.claim({ ...entry, nodeId: 'b' })).rejects.toMatchObject({
          code: 'SIGNALR_BACKPLANE_DOWN',
        });
        await untilHealth(b.backplane, 'degraded');
      });
      await talk.untilUp();
      await talk.untilHeard();
      expect(talk.faults()).toEqual([]);
      await expect.poll(() => b.backplane.directory.groupsOf('c')).toEqual(['g']);
      expect(await b.backplane.directory.claim({ ...entry, nodeId: 'b' })).toMatchObject({ nodeId: 'a' });
    });

    test('in mode pubsub subscriptions follow it', async () => {
      talk = await TalkingNodes.start(() => ({ ...options(), mode: 'pubsub' }));
      const [a, b] = talk.nodes;
      const { slot, owner, other } = await cluster.ownerOf(`{${keyPrefix}}`);
      await cluster.move(slot, owner, other);
      await until('a message', async () => {
        await a.say();
        return b.heardOf(a).flat().length > 0;
      });
      await talk.untilUp();
      expect(await cluster.subscribersOf(owner)).toBe(0);
    });
  },
);
