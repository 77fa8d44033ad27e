import { afterEach, describe, expect, test } from 'vitest';

import { call, textOf } from '../../../lib/testing/conformance/recording-node.js';
import { type FarmNode, RedisFarm, untilHealth } from '../../support/redis-farm.js';
import { RedisServer } from '../../support/redis-server.js';
import { missing } from '../../support/requirements.js';

const topic = 't';

describe.skipIf(missing('redis'))('when Redis restarts', () => {
  let redis: RedisServer;
  let farm: RedisFarm;

  afterEach(async () => {
    await farm.stop();
    await redis.stop();
  });

  async function two(...args: readonly string[]): Promise<[FarmNode, FarmNode]> {
    redis = await RedisServer.start(...args);
    farm = new RedisFarm(redis);
    const nodes: [FarmNode, FarmNode] = [await farm.add(), await farm.add()];
    for (const { backplane } of nodes) {
      await backplane.subscribe(topic);
    }
    return nodes;
  }

  async function bothUp(nodes: readonly FarmNode[]): Promise<void> {
    await Promise.all(nodes.map(({ backplane }) => untilHealth(backplane, 'up')));
  }

  test('with what it had, nothing is missing and cursors go on', async () => {
    const nodes = await two('--appendonly', 'yes', '--appendfsync', 'always');
    const [here, there] = nodes;
    await here.backplane.publish(topic, call('1'));
    await there.node.texts(1);
    const cursor = there.backplane.tail();
    await redis.kill();
    await untilHealth(here.backplane, 'degraded');
    await here.backplane.publish(topic, call('2'));
    await redis.restart();
    expect(await there.node.texts(1)).toEqual(['2']);
    await bothUp(nodes);
    const fresh = await farm.add();
    const { envelopes, known, complete } = await fresh.backplane.replay([{ topic }], cursor);
    expect([envelopes.map(textOf), known, complete]).toEqual([['2'], true, true]);
    expect(nodes.map(({ node }) => node.gaps)).toEqual([[], []]);
  });

  test('empty, nobody goes silent: old cursors are unknown, all connections are concerned, messages flow', async () => {
    const nodes = await two();
    const [here, there] = nodes;
    await here.backplane.publish(topic, call('1'));
    await there.node.texts(1);
    const cursor = there.backplane.tail();
    await redis.kill();
    await untilHealth(here.backplane, 'degraded');
    await redis.restart();
    await expect.poll(() => nodes.map(({ node }) => node.gaps)).toEqual([['all'], ['all']]);
    expect(await there.backplane.replay([{ topic }], cursor)).toMatchObject({ envelopes: [], known: false });
    await here.backplane.publish(topic, call('2'));
    expect(await there.node.texts(1)).toEqual(['2']);
    const entry = { connectionId: 'c', nodeId: 'n0', protocol: 'core', hubs: [], userId: undefined } as const;
    await here.backplane.directory.add(entry);
    expect(await there.backplane.directory.find('c')).toMatchObject({ nodeId: 'n0' });
  });

  test('empty, it is told anew who is connected', async () => {
    const [here, there] = await two();
    const entry = { connectionId: 'c', nodeId: 'n0', protocol: 'core', hubs: ['h'], userId: 'ann' } as const;
    await here.backplane.directory.add(entry);
    await here.backplane.directory.joined('c', 'g');
    await redis.kill();
    await untilHealth(here.backplane, 'degraded');
    await redis.restart();
    await bothUp([here, there]);
    await expect.poll(() => there.backplane.directory.groupsOf('c')).toEqual(['g']);
    expect(await there.backplane.directory.count({ hub: 'h', userId: 'ann', groupTopic: 'g' })).toBe(1);
  });

  test('with an older state, places are not given twice under one name', async () => {
    const nodes = await two('--appendonly', 'yes', '--appendfsync', 'always');
    const [here, there] = nodes;
    for (const text of ['1', '2', '3']) {
      await here.backplane.publish(topic, call(text));
    }
    await there.node.texts(3);
    const cursor = there.backplane.tail();
    const { keyPrefix } = farm;
    there.gate.close();
    here.gate.close();
    await untilHealth(here.backplane, 'degraded');
    await redis.command('DECRBY', `{${keyPrefix}}:sequence`, '2');
    here.gate.open();
    there.gate.open();
    await expect.poll(() => nodes.map(({ node }) => node.gaps)).toEqual([['all'], ['all']]);
    expect((await there.backplane.replay([{ topic }], cursor)).known).toBe(false);
    await here.backplane.publish(topic, call('4'));
    expect(await there.node.texts(1)).toEqual(['4']);
  });

  test('with an older state, those who have seen more notice it, although others have published as much since', async () => {
    const nodes = await two();
    const [here, there] = nodes;
    await here.backplane.publish(topic, call('1'));
    await redis.command('SAVE');
    await here.backplane.publish(topic, call('2'));
    await here.backplane.publish(topic, call('3'));
    await there.node.texts(3);
    here.gate.close();
    there.gate.close();
    await redis.kill();
    await redis.restart();
    // To this one, which knows nothing of 2 and 3, it is the first Redis that it sees.
    const bystander = await farm.add();
    await bystander.backplane.subscribe(topic);
    for (const text of ['a', 'b', 'c', 'd']) {
      await bystander.backplane.publish(topic, call(text));
    }
    here.gate.open();
    there.gate.open();
    await expect.poll(() => nodes.map(({ node }) => node.gaps)).toEqual([['all'], ['all']]);
    await bothUp(nodes);
    await bystander.backplane.publish(topic, call('e'));
    expect(await there.node.texts(1)).toEqual(['e']);
  });

  test('with an older state, who alone knows that Redis had accepted more says so', async () => {
    const [here, bystander] = await two();
    await here.backplane.publish('unheard', call('1'));
    await redis.command('SAVE');
    await here.backplane.publish('unheard', call('2'));
    here.gate.close();
    bystander.gate.close();
    await redis.kill();
    await redis.restart();
    bystander.gate.open();
    await untilHealth(bystander.backplane, 'up');
    for (const text of ['a', 'b']) {
      await bystander.backplane.publish(topic, call(text));
    }
    expect(bystander.node.gaps).toEqual([]);
    here.gate.open();
    await expect.poll(() => [here.node.gaps, bystander.node.gaps]).toEqual([['all'], ['all']]);
  });

  test('a node sees by what arrives that Redis has gone back, and says so for all', async () => {
    const nodes = await two();
    const [here, there] = nodes;
    const bystander = await farm.add();
    for (const text of ['1', '2', '3']) {
      await here.backplane.publish(topic, call(text));
    }
    await there.node.texts(3);
    await redis.command('SET', `{${farm.keyPrefix}}:sequence`, '1');
    // This one has seen nothing yet, so it does not mind.
    await bystander.backplane.publish(topic, call('4'));
    expect(await there.node.texts(1)).toEqual(['4']);
    await expect.poll(() => nodes.map(({ node }) => node.gaps)).toEqual([['all'], ['all']]);
    await bystander.backplane.publish(topic, call('5'));
    expect(await there.node.texts(1)).toEqual(['5']);
  });
});
