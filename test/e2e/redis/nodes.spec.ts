import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ConnectionEntry } from 'nestjs-signalr';

import { RecordingNode } from '../../../lib/testing/conformance/recording-node.js';
import { type FarmNode, RedisFarm, untilHealth } from '../../support/redis-farm.js';
import { RedisServer } from '../../support/redis-server.js';
import { missing } from '../../support/requirements.js';
import { until } from '../../support/until.js';

const entry = (connectionId: string, nodeId: string): ConnectionEntry => ({
  connectionId,
  nodeId,
  protocol: 'core',
  hubs: ['h'],
  userId: 'ann',
});

describe.skipIf(missing('redis'))('nodes', () => {
  let redis: RedisServer;
  let farm: RedisFarm;

  beforeAll(async () => {
    redis = await RedisServer.start();
  });

  afterAll(() => redis.stop());

  beforeEach(() => {
    farm = new RedisFarm(redis);
  });

  afterEach(() => farm.stop());

  test('the connections of a node that died are gone, and exactly one survivor is told of each', async () => {
    const [dead, ...survivors] = [
      await farm.add({ leaseDuration: 60_000 }),
      await farm.add({ leaseDuration: 300 }),
      await farm.add({ leaseDuration: 300 }),
    ] as const;
    for (const id of ['1', '2', '3']) {
      await dead.backplane.directory.add(entry(id, dead.node.id));
    }
    await dead.backplane.directory.joined('1', 'g');
    const { directory } = survivors[0].backplane;
    await directory.add(entry('mine', survivors[0].node.id));
    const changes: boolean[] = [];
    const stop = directory.watch(({ online }) => changes.push(online));
    await farm.kill(dead);
    await expect.poll(() => directory.count({ hub: 'h' }), { timeout: 5_000 }).toBe(1);
    expect(survivors.flatMap(({ node }) => node.orphans).toSorted()).toEqual(['1', '2', '3']);
    expect(await directory.count({ groupTopic: 'g' })).toBe(0);
    expect(await directory.find('1')).toBeUndefined();
    // The user is still there with the connection of the other node.
    expect(changes).toEqual([]);
    stop();
  });

  test('the last connection of a user who was on a node that died counts as gone', async () => {
    const [dead, survivor] = [
      await farm.add({ leaseDuration: 60_000 }),
      await farm.add({ leaseDuration: 300 }),
    ];
    const changes: boolean[] = [];
    const stop = survivor.backplane.directory.watch(({ online }) => changes.push(online));
    await survivor.backplane.subscribe('t');
    await dead.backplane.directory.add(entry('1', dead.node.id));
    await farm.kill(dead);
    await expect.poll(() => changes, { timeout: 5_000 }).toEqual([true, false]);
    stop();
  });

  test('after a time without Redis for all, nobody is taken for dead before it could give a sign of life', async () => {
    const [first, second] = [
      await farm.add({ leaseDuration: 6_000 }),
      await farm.add({ leaseDuration: 300 }),
    ];
    await second.backplane.directory.add(entry('1', second.node.id));
    const lease = (node: string): string => `{${farm.keyPrefix}}:lease:${node}`;
    const left = async (): Promise<number> => Number(await redis.command('PTTL', lease(first.node.id)));
    first.gate.close();
    second.gate.close();
    await expect.poll(() => redis.command('EXISTS', lease(second.node.id)), { timeout: 5_000 }).toBe(0);
    first.gate.open();
    await untilHealth(first.backplane, 'up');
    // Until it has given one itself, and looked for those who have not.
    let before = await left();
    await until('a sign of life', async () => {
      const now = await left();
      const isRenewed = now > before;
      before = now;
      return isRenewed;
    });
    second.gate.open();
    await untilHealth(second.backplane, 'up');
    await expect.poll(() => redis.command('EXISTS', lease(second.node.id))).toBe(1);
    expect(first.node.orphans).toEqual([]);
    expect(await first.backplane.directory.find('1')).toMatchObject({ nodeId: second.node.id });
  });

  test('a node that was only cut off has its connections back', async () => {
    const [lost, survivor] = [await farm.add({ leaseDuration: 300 }), await farm.add({ leaseDuration: 300 })];
    await lost.backplane.directory.add(entry('1', lost.node.id));
    await lost.backplane.directory.joined('1', 'g');
    await farm.kill(lost);
    const { directory } = survivor.backplane;
    await expect.poll(() => directory.count({ hub: 'h' }), { timeout: 5_000 }).toBe(0);
    lost.gate.open();
    await expect.poll(() => directory.count({ hub: 'h', groupTopic: 'g' }), { timeout: 5_000 }).toBe(1);
  });

  test('a connection that has moved meanwhile is not taken back', async () => {
    const [lost, survivor] = [await farm.add(), await farm.add()];
    await lost.backplane.directory.add(entry('1', lost.node.id));
    lost.gate.close();
    await untilHealth(lost.backplane, 'degraded');
    const { directory } = survivor.backplane;
    await directory.claim(entry('1', survivor.node.id), lost.node.id);
    await lost.backplane.directory.add(entry('2', lost.node.id));
    lost.gate.open();
    await expect.poll(() => directory.find('2')).toMatchObject({ nodeId: lost.node.id });
    expect(await directory.find('1')).toMatchObject({ nodeId: survivor.node.id });
    expect(await directory.count({ hub: 'h' })).toBe(2);
    await expect.poll(() => lost.node.lost).toEqual([`1 to ${survivor.node.id}`]);
  });

  describe('a connection that another node takes because it cannot hear the owner, which is alive,', () => {
    let owner: FarmNode;
    let taker: FarmNode;

    beforeEach(async () => {
      [owner, taker] = [await farm.add(), await farm.add()];
      await owner.backplane.directory.add(entry('1', owner.node.id));
    });

    const take = async (): Promise<unknown> =>
      taker.backplane.directory.claim(entry('1', taker.node.id), owner.node.id);

    test('is given up by the owner at once', async () => {
      await take();
      await expect.poll(() => owner.node.lost).toEqual([`1 to ${taker.node.id}`]);
      expect(taker.node.lost).toEqual([]);
    });

    test('is given up as well if that could not be heard', async () => {
      await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await take();
      await expect.poll(() => owner.node.lost).toEqual([`1 to ${taker.node.id}`]);
    });

    test('is not reported once more by the owner', async () => {
      await Promise.all([take(), owner.backplane.directory.add({ ...entry('1', owner.node.id), hubs: [] })]);
      await owner.backplane.directory.add({ ...entry('1', owner.node.id), hubs: [] });
      expect(await taker.backplane.directory.find('1')).toMatchObject({ nodeId: taker.node.id });
      expect(await redis.command('GET', `{${farm.keyPrefix}}:directory:entry:1`)).toContain(
        `"nodeId":"${taker.node.id}"`,
      );
    });

    test("is the owner's if it has come back before", async () => {
      await take();
      await owner.backplane.directory.claim(entry('1', owner.node.id), taker.node.id);
      await expect.poll(() => taker.node.lost).toEqual([`1 to ${owner.node.id}`]);
      expect(await taker.backplane.directory.find('1')).toMatchObject({ nodeId: owner.node.id });
    });
  });

  test('a classic connection may go on elsewhere when its node has died, one of a Core client may not', async () => {
    const [dead, survivor] = [await farm.add({ leaseDuration: 300 }), await farm.add({ leaseDuration: 300 })];
    const { directory } = survivor.backplane;
    const entries = (['core', 'classic'] as const).map((protocol) => {
      return { ...entry(protocol, dead.node.id), protocol };
    });
    await Promise.all(entries.map(async (one) => dead.backplane.directory.add(one)));
    await farm.kill(dead);
    await expect.poll(() => directory.count({ hub: 'h' }), { timeout: 5_000 }).toBe(0);
    const claims = entries.map(async (one) => directory.claim({ ...one, nodeId: survivor.node.id }));
    expect((await Promise.all(claims)).map(({ nodeId }) => nodeId)).toEqual([dead.node.id, survivor.node.id]);
    expect(await directory.count({ hub: 'h' })).toBe(1);
  });

  test('a node that stops leaves nothing behind', async () => {
    const [here, there] = [await farm.add({ leaseDuration: 60_000 }), await farm.add()];
    await here.backplane.stop();
    expect(await redis.command('SMEMBERS', `{${farm.keyPrefix}}:nodes`)).toEqual([there.node.id]);
    expect(await redis.command('EXISTS', `{${farm.keyPrefix}}:lease:${here.node.id}`)).toBe(0);
    expect(await here.backplane.health()).toEqual({ status: 'down', detail: 'not started' });
  });

  test('a connection that has moved is not removed by its former node', async () => {
    const [here, there] = [await farm.add(), await farm.add()];
    await here.backplane.directory.add(entry('1', here.node.id));
    await there.backplane.directory.claim(entry('1', there.node.id), here.node.id);
    await here.backplane.directory.remove('1');
    expect(await here.backplane.directory.find('1')).toMatchObject({ nodeId: there.node.id });
  });

  test('who asks a client that nobody has, or whose node is dead, is told at once', async () => {
    const [here, dead] = [await farm.add(), await farm.add({ leaseDuration: 60_000 })];
    await dead.backplane.directory.add(entry('1', dead.node.id));
    dead.gate.close();
    await untilHealth(dead.backplane, 'degraded');
    const call = { type: 'call', hub: 'h', method: 'm', argumentsJson: '[]' } as const;
    for (const connectionId of ['1', 'nobody']) {
      const asked = here.backplane.command({ type: 'ask', connectionId, call, timeout: 1 }, 60_000);
      expect(await asked).toEqual({ type: 'gone' });
    }
  });

  test('a node without a Redis does not start', async () => {
    const other = await RedisServer.start();
    await other.stop();
    const { redisBackplane } = await import('nestjs-signalr/redis');
    const backplane = redisBackplane({ url: other.url });
    const node = new RecordingNode('n');
    await expect(backplane.start(node)).rejects.toMatchObject({ code: 'SIGNALR_BACKPLANE_DOWN' });
  });
});
