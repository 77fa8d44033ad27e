import { randomUUID } from 'node:crypto';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createCluster } from 'redis';

import { RedisCluster } from '../../support/redis-cluster.js';
import type { RedisServer } from '../../support/redis-server.js';
import { untilHealth } from '../../support/redis-farm.js';
import { missing } from '../../support/requirements.js';
import { TalkingNodes } from '../../support/talking-nodes.js';

describe.skipIf(missing('redis'))('when a cluster changes', () => {
  let cluster: RedisCluster;
  let keyPrefix: string;
  let talk: TalkingNodes;

  beforeAll(async () => {
    cluster = await RedisCluster.start(3, 1);
  }, 30_000);

  afterAll(() => cluster.stop());

  beforeEach(async () => {
    keyPrefix = `test-${randomUUID()}`;
    talk = await TalkingNodes.start(() => ({
      client: createCluster({ rootNodes: cluster.rootNodes }),
      keyPrefix,
    }));
  });

  afterEach(() => talk.stop());

  const gaps = () => talk.nodes.map((node) => node.gaps);

  test('the slot of the application moves: messages wait for it, none is missing, none comes twice, all are in order', async () => {
    const { slot, owner, other } = await cluster.ownerOf(`{${keyPrefix}}`);
    await talk.talkDuring(() => cluster.move(slot, owner, other));
    expect(talk.faults()).toEqual([]);
    expect(gaps()).toEqual([[], []]);
    expect(await other.command('CLUSTER', 'COUNTKEYSINSLOT', `${slot}`)).toBeGreaterThan(0);
  });

  test('while its slot is on its way an application is as without Redis, and nothing is written on the other side', async () => {
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

  describe('and a replica takes the place of the primary', () => {
    let primary: RedisServer;
    const [replica] = [() => cluster.replicas[0] as RedisServer];

    beforeEach(async () => {
      ({ owner: primary } = await cluster.ownerOf(`{${keyPrefix}}`));
      await cluster.replicate(replica(), primary);
    });

    test('by request, nothing is missing, nothing comes twice, all are in order, and nobody has to begin anew', async () => {
      await talk.talkDuring(async () => {
        await replica().command('CLUSTER', 'FAILOVER');
        await cluster.untilPromoted(replica());
        await cluster.untilDemoted(primary);
      });
      expect(talk.faults()).toEqual([]);
      expect(gaps()).toEqual([[], []]);
    });
  });
});
