import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { missing } from '../../support/requirements.js';
import { TalkingNodes } from '../../support/talking-nodes.js';
import { until } from '../../support/until.js';
import { WatchedRedis } from '../../support/watched-redis.js';

describe.skipIf(missing('redis'))('when sentinels name another primary', () => {
  let redis: WatchedRedis;
  let talk: TalkingNodes;

  beforeEach(async () => {
    redis = await WatchedRedis.start();
    talk = await TalkingNodes.start(() => ({ client: redis.client() }));
  });

  afterEach(async () => {
    await talk.stop();
    await redis.stop();
  });

  test('since the former one was killed, messages go on: what is missing is said, nothing comes twice or out of order', async () => {
    await talk.talkDuring(async () => {
      await redis.primary.kill();
      await redis.untilPromoted();
    });
    expect(talk.faults()).toEqual([]);
  });

  test('by request, messages go on in the same way', async () => {
    await talk.talkDuring(async () => {
      await redis.sentinel.command('SENTINEL', 'FAILOVER', 'main');
      await redis.untilPromoted();
      await redis.demote();
      // Each connection begins a term: two were begun on the former primary.
      await until('nodes on the new primary', async () => {
        return Number(await redis.replica.command('LLEN', '{signalr}:terms')) >= 4;
      });
    });
    expect(talk.faults()).toEqual([]);
  });

  test('that has everything, nothing is missing, and nobody has to begin anew', async () => {
    const [a, b] = talk.nodes;
    await a.say();
    await b.say();
    await talk.untilHeard();
    await redis.untilReplicated();
    await redis.primary.kill();
    await redis.untilPromoted();
    void a.say();
    void b.say();
    await talk.untilHeard();
    await talk.untilUp();
    expect(talk.faults()).toEqual([]);
    expect([a.gaps, b.gaps]).toEqual([[], []]);
  });

  test('that lacks the last messages and connections, everybody is told, and the directory is complete again', async () => {
    const [a, b] = talk.nodes;
    await a.say();
    await talk.untilHeard();
    await redis.untilReplicated();
    redis.replication.stop('back');
    await a.say();
    await b.say();
    await talk.untilHeard();
    const entry = { connectionId: 'c', nodeId: 'a', protocol: 'core', hubs: ['h'], userId: 'ann' } as const;
    await a.backplane.directory.add(entry);
    await a.backplane.directory.joined('c', 'g');
    await redis.primary.kill();
    await redis.untilPromoted();
    await expect.poll(() => [a.gaps, b.gaps], { timeout: 10_000 }).toEqual([['all'], ['all']]);
    await expect.poll(() => b.backplane.directory.groupsOf('c')).toEqual(['g']);
    expect(await b.backplane.directory.count({ hub: 'h', userId: 'ann', groupTopic: 'g' })).toBe(1);
    await talk.untilUp();
    await a.say();
    await b.say();
    await talk.untilHeard();
    expect(talk.faults()).toEqual([]);
    // Nobody was taken for dead while there was no Redis to give a sign of life to.
    expect([a.orphans, b.orphans]).toEqual([[], []]);
  });
});
