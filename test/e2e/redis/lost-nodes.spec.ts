import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hub, IUserIdProvider, SignalRHub } from 'nestjs-signalr';
import { redisBackplane } from 'nestjs-signalr/redis';
import { createTestClient } from 'nestjs-signalr/testing';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { TransportClient } from '../../support/classic-transports.js';
import { FakeClock } from '../../support/fake-clock.js';
import { Gate } from '../../support/gate.js';
import { RedisServer } from '../../support/redis-server.js';
import { missing } from '../../support/requirements.js';

const endings: string[] = [];

@Hub('watched')
class WatchedHub extends SignalRHub {
  override onDisconnected(stopCalled: boolean): void {
    const { connectionId, userIdentifier = 'nobody', protocol } = this.context;
    endings.push(`${protocol} ${connectionId} of ${userIdentifier}, stopped: ${stopCalled}`);
  }
}

class HeaderUser extends IUserIdProvider {
  override getUserId({ headers }: { headers: Record<string, unknown> }): string | undefined {
    return headers['x-user'] as string | undefined;
  }
}

describe.skipIf(missing('redis')).each(platforms)('when a node dies, on %s', (platform) => {
  const clock = new FakeClock();
  const keyPrefix = randomUUID();
  let redis: RedisServer;
  let gate: Gate;
  let dying: TestApp;
  let survivor: TestApp;

  const start = (url: string, leaseDuration: number): Promise<TestApp> =>
    startApp({
      platform,
      hubs: [WatchedHub],
      providers: [{ provide: IUserIdProvider, useClass: HeaderUser }],
      signalr: {
        clock,
        secret: 'shared',
        raiseDisconnectedOfLostNodes: true,
        backplane: redisBackplane({ url, keyPrefix, leaseDuration }),
      },
    });

  beforeAll(async () => {
    redis = await RedisServer.start();
    gate = await Gate.before(redis.port);
    dying = await start(gate.url, 60_000);
    survivor = await start(redis.url, 300);
  });

  afterAll(async () => {
    await Promise.all([dying.close(), survivor.close()]);
    await gate.dispose();
    await redis.stop();
  });

  async function connectClassic(): Promise<TransportClient> {
    const client = await RawClassicClient.negotiate(`${dying.url}/signalr`, { hubs: ['watched'] });
    const connected = new TransportClient(client, 'serverSentEvents');
    await connected.connect();
    return connected;
  }

  test('hubs of another one are told once of each client that does not come back', async () => {
    endings.length = 0;
    const core = await createTestClient(dying.app, WatchedHub, { headers: { 'x-user': 'ann' } });
    const [gone, back] = [await connectClassic(), await connectClassic()];
    gate.close();
    const leases = (await redis.command('KEYS', `{${keyPrefix}}:lease:*`)) as string[];
    const nodes = (await redis.command('SMEMBERS', `{${keyPrefix}}:directory:all`)) as string[];
    expect(nodes.toSorted()).toEqual([core, gone, back].map(({ connectionId }) => connectionId).toSorted());
    // Whoever is alive gives a new sign of it at once.
    await redis.command('DEL', ...leases);
    await expect
      .poll(() => endings, { timeout: 5_000 })
      .toEqual([`core ${core.connectionId} of ann, stopped: false`]);

    await back.drop();
    Object.assign(back.client, { url: `${survivor.url}/signalr` });
    await back.reconnect();
    await clock.advance(31_000);
    await expect.poll(() => endings).toHaveLength(2);
    expect(endings[1]).toBe(`classic ${gone.connectionId} of nobody, stopped: false`);
    expect(survivor.logged.filter((line) => !/gives no sign of life|connection to Redis/.test(line))).toEqual(
      [],
    );
    await back.end();
    await gone.drop();
  });
});
