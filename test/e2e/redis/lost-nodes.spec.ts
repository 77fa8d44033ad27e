import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type ConnectionContext,
  type ConnectionEntry,
  ConnectionHandler,
  Hub,
  type HubRequest,
  IUserIdProvider,
  PersistentConnection,
  SignalRConnectionHandler,
  SignalRHub,
  SignalRPersistentConnection,
} from 'nestjs-signalr';
import { redisBackplane } from 'nestjs-signalr/redis';
import { createTestClient } from 'nestjs-signalr/testing';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { TransportClient } from '../../support/classic-transports.js';
import { RawCoreClient } from '../../support/core-client.js';
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

@PersistentConnection('/watched.raw')
class WatchedConnection extends SignalRPersistentConnection {
  override onDisconnected({ url }: HubRequest, connectionId: string, stopCalled: boolean): void {
    endings.push(`raw ${connectionId} with '${url}', stopped: ${stopCalled}`);
  }
}

@ConnectionHandler('/watched-handler')
class WatchedHandler extends SignalRConnectionHandler {
  onReceived(): void {}

  override async onDisconnected(connection: ConnectionContext, error?: Error): Promise<void> {
    await connection.send('nobody is there');
    connection.close();
    const { id, userIdentifier = 'nobody', url, transport, aborted } = connection;
    const state = `${url}${transport ?? 'no line'}, over: ${aborted.aborted}, ${error?.message ?? 'no error'}`;
    endings.push(`handler ${id} of ${userIdentifier}: ${state}`);
  }
}

/** Fails, and keeps nobody from being told. */
@PersistentConnection('/failing')
class FailingConnection extends SignalRPersistentConnection {
  override onDisconnected(_request: HubRequest, connectionId: string): never {
    endings.push(`failing ${connectionId}`);
    throw new Error('the handler of the end failed');
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
  let other: TestApp;

  const start = (url: string, leaseDuration: number): Promise<TestApp> =>
    startApp({
      platform,
      hubs: [WatchedHub],
      providers: [
        WatchedConnection,
        WatchedHandler,
        FailingConnection,
        { provide: IUserIdProvider, useClass: HeaderUser },
      ],
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
    other = await start(redis.url, 300);
  });

  afterAll(async () => {
    await Promise.all([dying.close(), survivor.close(), other.close()]);
    await gate.dispose();
    await redis.stop();
  });

  async function connectClassic(path = '/signalr', hubs = ['watched']): Promise<TransportClient> {
    const client = await RawClassicClient.negotiate(`${dying.url}${path}`, { hubs });
    const connected = new TransportClient(client, 'serverSentEvents');
    await connected.connect();
    return connected;
  }

  test('one of the others tells its hubs and connections once of each client that does not come back', async () => {
    endings.length = 0;
    const core = await createTestClient(dying.app, WatchedHub, { headers: { 'x-user': 'ann' } });
    const handled = await RawCoreClient.open(`${dying.url}/watched-handler`, { 'x-user': 'bob' });
    const [gone, back] = [await connectClassic(), await connectClassic()];
    const [rawGone, rawBack, failing] = [
      await connectClassic('/watched.raw', []),
      await connectClassic('/watched.raw', []),
      await connectClassic('/failing', []),
    ];
    gate.close();
    const nodes = (await redis.command('SMEMBERS', `{${keyPrefix}}:directory:all`)) as string[];
    const clients = [core, handled, gone, back, rawGone, rawBack, failing];
    expect(new Set(nodes)).toEqual(new Set(clients.map(({ connectionId }) => connectionId)));
    const entry = await redis.command('GET', `{${keyPrefix}}:directory:entry:${core.connectionId}`);
    const { nodeId } = JSON.parse(entry as string) as ConnectionEntry;
    await redis.command('DEL', `{${keyPrefix}}:lease:${nodeId}`);
    const first = [
      `core ${core.connectionId} of ann, stopped: false`,
      `handler ${handled.connectionId} of bob: no line, over: true, no error`,
    ];
    await expect.poll(() => endings.toSorted(), { timeout: 5_000 }).toEqual(first);

    for (const [client, path] of [
      [back, '/signalr'],
      [rawBack, '/watched.raw'],
    ] as const) {
      await client.drop();
      Object.assign(client.client, { url: survivor.url + path });
      await client.reconnect();
    }
    await clock.advance(31_000);
    const second = [
      `classic ${gone.connectionId} of nobody, stopped: false`,
      `failing ${failing.connectionId}`,
      `raw ${rawGone.connectionId} with '', stopped: false`,
    ];
    await expect.poll(() => endings.toSorted()).toEqual([...first, ...second].toSorted());
    const logged = [...survivor.logged, ...other.logged];
    expect(logged.filter((line) => !/gives no sign of life|connection to Redis/.test(line))).toEqual([
      expect.stringContaining(`onDisconnected of /failing failed for connection ${failing.connectionId}`),
    ]);
    await Promise.all([back.end(), rawBack.end()]);
    await Promise.all([gone.drop(), rawGone.drop(), failing.drop()]);
    handled.close();
  });
});
