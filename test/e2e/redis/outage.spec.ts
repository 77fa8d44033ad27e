import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Backplane } from 'nestjs-signalr';

import { systemClock } from '../../../lib/common/clock.js';
import { call, textOf } from '../../../lib/testing/conformance/recording-node.js';
import { RedisFarm, untilHealth } from '../../support/redis-farm.js';
import { redisReleases } from '../../support/redis-releases.js';
import { RedisServer } from '../../support/redis-server.js';
import { missing } from '../../support/requirements.js';

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `${from + index}`);

async function publishAll(backplane: Backplane, topic: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await backplane.publish(topic, call(name));
  }
}

describe.skipIf(missing('redis')).each(redisReleases)('when the line of $name to Redis breaks', (release) => {
  let redis: RedisServer;
  let farm: RedisFarm;

  beforeAll(async () => {
    redis = await RedisServer.start();
  });

  afterAll(() => redis.stop());

  afterEach(() => farm.stop());

  test('connections of the sender do not wait for Redis', async () => {
    farm = new RedisFarm(redis, release);
    const here = await farm.add();
    await here.backplane.subscribe('t');
    here.gate.stop('there');
    void here.backplane.publish('t', call('at once'));
    expect(here.node.received.pending.map(textOf)).toEqual(['at once']);
    here.gate.open();
  });

  test.each(['streams', 'pubsub'] as const)(
    'in mode %s messages queue up, senders do not wait, and all arrive in order afterwards',
    async (mode) => {
      farm = new RedisFarm(redis, release);
      const [here, there] = [await farm.add({ mode }), await farm.add({ mode })];
      await here.backplane.subscribe('t');
      await there.backplane.subscribe('t');
      await here.backplane.publish('t', call('0'));
      here.gate.close();
      await untilHealth(here.backplane, 'degraded');
      await publishAll(here.backplane, 't', numbered(1, 100));
      expect(await here.node.texts(101)).toEqual(numbered(0, 100));
      expect((await here.backplane.health()).detail).toContain('100 message(s) wait');
      here.gate.open();
      expect(await there.node.texts(101)).toEqual(numbered(0, 100));
      await untilHealth(here.backplane, 'up');
      await here.backplane.publish('t', call('101'));
      expect(await there.node.texts(1)).toEqual(['101']);
    },
  );

  test('a message beyond the limits reaches nobody, and its sender is told', async () => {
    farm = new RedisFarm(redis, release);
    const here = await farm.add({ maxQueuedMessages: 2 });
    await here.backplane.subscribe('t');
    here.gate.close();
    await untilHealth(here.backplane, 'degraded');
    await publishAll(here.backplane, 't', ['1', '2']);
    expect(() => here.backplane.publish('t', call('3'))).toThrow(
      expect.objectContaining({ code: 'SIGNALR_BACKPLANE_QUEUE_FULL' }),
    );
    expect(here.node.received.pending.map(textOf)).toEqual(['1', '2']);
    expect((await here.backplane.health()).status).toBe('down');
  });

  test('the bytes that wait are limited as well', async () => {
    farm = new RedisFarm(redis, release);
    const here = await farm.add({ maxQueuedBytes: 1_000 });
    here.gate.close();
    await untilHealth(here.backplane, 'degraded');
    await here.backplane.publish('t', call('x'.repeat(2_000)));
    expect(() => here.backplane.publish('t', call('y'))).toThrow(
      expect.objectContaining({ code: 'SIGNALR_BACKPLANE_QUEUE_FULL' }),
    );
  });

  test('with whenDown: fail nothing is queued', async () => {
    farm = new RedisFarm(redis, release);
    const here = await farm.add({ whenDown: 'fail' });
    await here.backplane.subscribe('t');
    here.gate.close();
    await untilHealth(here.backplane, 'down');
    expect(() => here.backplane.publish('t', call('x'))).toThrow(
      expect.objectContaining({ code: 'SIGNALR_BACKPLANE_DOWN' }),
    );
    expect(here.node.received.pending).toEqual([]);
  });

  test('a message whose acceptance got lost is published once', async () => {
    farm = new RedisFarm(redis, release);
    const [here, there] = [await farm.add(), await farm.add()];
    await there.backplane.subscribe('t');
    await here.backplane.publish('t', call('before'));
    here.gate.stop('back');
    const sends = numbered(1, 20).map(async (name) => here.backplane.publish('t', call(name)));
    // They have arrived, but their sender does not know.
    expect(await there.node.texts(21)).toEqual(['before', ...numbered(1, 20)]);
    here.gate.cut();
    await Promise.all(sends);
    here.gate.open();
    await untilHealth(here.backplane, 'up');
    await here.backplane.publish('t', call('after'));
    expect(await there.node.texts(1)).toEqual(['after']);
  });

  test('a node that was away gets what it missed, in order, over topics, each message once', async () => {
    farm = new RedisFarm(redis, release);
    const [here, there] = [await farm.add(), await farm.add()];
    await there.backplane.subscribe('a');
    await there.backplane.subscribe('b');
    await here.backplane.publish('a', call('0'));
    await there.node.texts(1);
    there.gate.close();
    await untilHealth(there.backplane, 'degraded');
    for (const name of numbered(1, 50)) {
      await here.backplane.publish(Number(name) % 2 === 0 ? 'a' : 'b', call(name));
    }
    await there.backplane.publish('a', call('own'));
    expect(await there.node.texts(1)).toEqual(['own']);
    there.gate.open();
    expect(await there.node.texts(50)).toEqual(numbered(1, 50));
    await here.backplane.publish('b', call('51'));
    expect(await there.node.texts(1)).toEqual(['51']);
    expect(there.node.gaps).toEqual([]);
  });

  test('a topic that is subscribed to meanwhile works at once here, and soon everywhere', async () => {
    farm = new RedisFarm(redis, release);
    const [here, there] = [await farm.add(), await farm.add()];
    there.gate.close();
    await untilHealth(there.backplane, 'degraded');
    await there.backplane.subscribe('t');
    await there.backplane.publish('t', call('own'));
    await here.backplane.publish('t', call('missed'));
    expect(await there.node.texts(1)).toEqual(['own']);
    there.gate.open();
    expect(await there.node.texts(1)).toEqual(['missed']);
    await here.backplane.publish('t', call('live'));
    expect(await there.node.texts(1)).toEqual(['live']);
  });

  test('what cannot be made up is said, and by topic', async () => {
    farm = new RedisFarm(redis, release);
    const [here, there] = [await farm.add({ bufferSize: 32 }), await farm.add({ bufferSize: 32 })];
    await there.backplane.subscribe('busy');
    await there.backplane.subscribe('quiet');
    await here.backplane.publish('quiet', call('0'));
    await here.backplane.publish('busy', call('0'));
    await there.node.texts(2);
    there.gate.close();
    await untilHealth(there.backplane, 'degraded');
    await publishAll(here.backplane, 'busy', numbered(1, 40));
    await publishAll(here.backplane, 'quiet', ['1']);
    there.gate.open();
    expect(await there.node.texts(33)).toEqual([...numbered(9, 40), '1']);
    await expect.poll(() => there.node.gaps).toEqual([['busy']]);
  });

  test('a node that was away for longer than messages are kept cannot know what it missed', async () => {
    farm = new RedisFarm(redis, release);
    let passed = 0;
    const clock = { ...systemClock, now: () => performance.now() + passed };
    const there = await farm.add({ clock, retention: 60_000 });
    await there.backplane.subscribe('t');
    there.gate.close();
    await untilHealth(there.backplane, 'degraded');
    passed = 61_000;
    there.gate.open();
    await expect.poll(() => there.node.gaps).toEqual(['all']);
  });

  test('lines on which nothing moves any more are replaced', async () => {
    farm = new RedisFarm(redis, release);
    const [here, there] = [await farm.add({ leaseDuration: 300 }), await farm.add({ leaseDuration: 300 })];
    await there.backplane.subscribe('t');
    await here.backplane.publish('t', call('0'));
    await there.node.texts(1);
    // The lines that are open are dead, new ones are good.
    there.gate.freeze();
    await here.backplane.publish('t', call('1'));
    expect(await there.node.texts(1)).toEqual(['1']);
    const sent = there.backplane.publish('t', call('2'));
    expect(await there.node.texts(1)).toEqual(['2']);
    await sent;
  });

  test('commands to other nodes fail at once, those for own connections do not', async () => {
    farm = new RedisFarm(redis, release);
    const here = await farm.add();
    here.node.owned.add('mine');
    here.gate.close();
    await untilHealth(here.backplane, 'degraded');
    const add = (connectionId: string) =>
      here.backplane.command({ type: 'addToGroup', connectionId, topic: 'g' }, 60_000);
    expect(await add('mine')).toBe(true);
    await expect(add('theirs')).rejects.toMatchObject({ code: 'SIGNALR_BACKPLANE_DOWN' });
  });

  test('what waits for an answer when the line breaks fails like what is asked without one', async () => {
    farm = new RedisFarm(redis, release);
    const { backplane, gate } = await farm.add();
    gate.stop('there');
    const asked = backplane.directory.list({ hub: 'h' });
    gate.cut();
    await expect(asked).rejects.toMatchObject({ code: 'SIGNALR_BACKPLANE_DOWN' });
  });

  test('and when the node stops', async () => {
    farm = new RedisFarm(redis, release);
    const { backplane, gate } = await farm.add();
    gate.stop('there');
    const failure = Promise.resolve(backplane.directory.list({ hub: 'h' })).catch((error: unknown) => error);
    await backplane.stop();
    expect(await failure).toMatchObject({ code: 'SIGNALR_BACKPLANE_DOWN' });
  });

  test('the directory is brought up to date when Redis is back', async () => {
    farm = new RedisFarm(redis, release);
    const [here, there] = [await farm.add(), await farm.add()];
    const entry = { nodeId: 'n0', protocol: 'core', hubs: ['h'], userId: 'ann' } as const;
    await here.backplane.directory.add({ ...entry, connectionId: 'goes' });
    await here.backplane.directory.add({ ...entry, connectionId: 'stays' });
    await here.backplane.directory.joined('stays', 'left');
    here.gate.close();
    await untilHealth(here.backplane, 'degraded');
    await here.backplane.directory.remove('goes');
    await here.backplane.directory.add({ ...entry, connectionId: 'comes' });
    await here.backplane.directory.left('stays', 'left');
    await here.backplane.directory.joined('stays', 'joined');
    here.gate.open();
    const { directory } = there.backplane;
    await expect
      .poll(async () =>
        (await directory.list({ hub: 'h' })).map(({ connectionId }) => connectionId).toSorted(),
      )
      .toEqual(['comes', 'stays']);
    await expect.poll(() => directory.groupsOf('stays')).toEqual(['joined']);
    expect(await directory.count({ groupTopic: 'left' })).toBe(0);
  });
});
