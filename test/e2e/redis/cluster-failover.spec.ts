import { randomUUID } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCluster } from 'redis';

import { RedisCluster } from '../../support/redis-cluster.js';
import type { RedisServer } from '../../support/redis-server.js';
import { missing } from '../../support/requirements.js';
import { TalkingNodes } from '../../support/talking-nodes.js';

describe.skipIf(missing('redis'))('when a replica takes the place of a primary of a cluster', () => {
  let cluster: RedisCluster;
  let primary: RedisServer;
  let replica: RedisServer;
  let talk: TalkingNodes;

  beforeEach(async () => {
    cluster = await RedisCluster.start(3, 1);
    const keyPrefix = `test-${randomUUID()}`;
    [replica] = cluster.replicas as [RedisServer];
    ({ owner: primary } = await cluster.ownerOf(`{${keyPrefix}}`));
    await cluster.replicate(replica, primary);
    const { rootNodes } = cluster;
    talk = await TalkingNodes.start(() => ({ client: createCluster({ rootNodes }), keyPrefix }));
  }, 30_000);

  afterEach(async () => {
    await talk.stop();
    await cluster.stop();
  });

  test('by request, nothing is missing, nothing comes twice, all are in order, nobody has to begin anew', async () => {
    await talk.talkDuring(async () => {
      await replica.command('CLUSTER', 'FAILOVER');
      await cluster.untilPromoted(replica);
      await cluster.untilDemoted(primary);
    });
    expect(talk.faults()).toEqual([]);
    expect(talk.nodes.map((node) => node.gaps)).toEqual([[], []]);
  });

  test('that was killed, messages go on: what is missing is said, nothing comes twice or out of order', async () => {
    await talk.talkDuring(async () => {
      await primary.kill();
      await cluster.untilPromoted(replica);
    });
    expect(talk.faults()).toEqual([]);
  });
});
