import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Logger } from '@nestjs/common';
import { redisBackplane } from 'nestjs-signalr/redis';
import { OpenTelemetryMetrics } from 'nestjs-signalr/telemetry';

import { call } from '../../../lib/testing/conformance/recording-node.js';
import { startApp } from '../../support/app.js';
import { MeasuredValues } from '../../support/metrics.js';
import { RedisFarm } from '../../support/redis-farm.js';
import { RedisServer } from '../../support/redis-server.js';
import { missing } from '../../support/requirements.js';

const topic = 't';

describe.skipIf(missing('redis'))('nodes of two releases', () => {
  let redis: RedisServer;
  let farm: RedisFarm;

  beforeAll(async () => {
    redis = await RedisServer.start();
  });

  afterAll(() => redis.stop());

  afterEach(() => farm.stop());

  test('messages of a format of the future are passed over and reported once, those with more in them are read', async () => {
    farm = new RedisFarm(redis);
    const warnings: string[] = [];
    const ignore = (): void => undefined;
    const warn = (text: string): void => void warnings.push(text);
    Logger.overrideLogger({ log: ignore, error: ignore, warn });
    const { backplane, node } = await farm.add();
    await backplane.subscribe(topic);
    const cursor = backplane.tail();
    const [epoch = ''] = cursor.split('-');
    const channel = `{${farm.keyPrefix}}:topic:t`;
    const log = `{${farm.keyPrefix}}:log:t`;
    const later = JSON.stringify({ ...call('later'), mood: 'good' });

    await redis.command('PUBLISH', channel, `2 ${epoch} 1 something else\n\u0000`);
    await redis.command('PUBLISH', channel, `2 ${epoch} 2 something else\n\u0000`);
    await redis.command('PUBLISH', `{${farm.keyPrefix}}:node:${node.id}`, '{"v":2,"t":"command"}');
    await redis.command('PUBLISH', `{${farm.keyPrefix}}:node:${node.id}`, '{"v":1,"t":"unheard of"}');
    await redis.command('PUBLISH', channel, `1 ${epoch} 3 ABCDEF01 1 more words\n${later}`);
    expect(await node.texts(1)).toEqual(['later']);
    // Words of a known format that this release does not know are no messages of a newer one.
    expect(node.skips).toEqual(['newer_release', 'newer_release', 'newer_release']);

    await redis.command('XADD', log, '2-0', 'p', '0', 'm', '2 something else\n\u0000');
    await redis.command('XADD', log, '3-0', 'p', '2', 'm', `1 ABCDEF01 1 more words\n${later}`, 'x', 'more');
    await redis.command('SET', `{${farm.keyPrefix}}:sequence`, '3');
    await backplane.publish(topic, call('now'));
    const other = await farm.add();
    const { envelopes } = await other.backplane.replay([{ topic }], cursor);
    expect(envelopes.map(({ message }) => message)).toEqual([JSON.parse(later), call('now')]);

    expect(other.node.skips).toEqual(['newer_release']);

    const reports = warnings.filter((text) => text.includes('newer release'));
    // Once for each of the two nodes.
    expect(reports).toHaveLength(2);
    expect(reports[0]).toContain('version 2');
  });

  test('what nobody can read is passed over as well', async () => {
    farm = new RedisFarm(redis);
    const { backplane, node } = await farm.add();
    await backplane.subscribe(topic);
    const texts = ['', '1', '1 A', '\n{}', '1 EPOCH x TAG 1\n{}', '1 EPOCH 1 TAG 1\nnot json'];
    for (const broken of texts) {
      await redis.command('PUBLISH', `{${farm.keyPrefix}}:topic:t`, broken);
    }
    await redis.command('PUBLISH', `{${farm.keyPrefix}}:node:${node.id}`, 'not json');
    await backplane.publish(topic, call('fine'));
    expect(await node.texts(1)).toEqual(['fine']);
    expect(node.gaps).toEqual([]);
    await expect.poll(() => node.skips).toEqual([...texts, 'not json'].map(() => 'unreadable'));
  });

  test('metrics count what an application passes over, every time', async () => {
    farm = new RedisFarm(redis);
    const values = new MeasuredValues();
    const app = await startApp({
      hubs: [],
      signalr: {
        metrics: new OpenTelemetryMetrics({ meterProvider: values.provider }),
        backplane: redisBackplane({ url: redis.url, keyPrefix: farm.keyPrefix }),
      },
    });
    const [nodeId] = (await redis.command('SMEMBERS', `{${farm.keyPrefix}}:nodes`)) as [string];
    for (const mail of ['{"v":2,"t":"command"}', '{"v":3}', '{"v":2}', 'not json']) {
      await redis.command('PUBLISH', `{${farm.keyPrefix}}:node:${nodeId}`, mail);
    }
    await expect
      .poll(() => values.of('signalr.server.skipped_messages'))
      .toEqual([
        [{ 'signalr.skip.reason': 'newer_release' }, 3],
        [{ 'signalr.skip.reason': 'unreadable' }, 1],
      ]);
    await app.close();
  });
});
