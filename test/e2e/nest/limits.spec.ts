import { afterEach, describe, expect, test } from 'vitest';
import { Hub, SignalRHub, type SignalRModuleOptions, SignalRService } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { RawCoreClient } from '../../support/core-client.js';
import { FakeClock } from '../../support/fake-clock.js';
import { http, refusedUpgrade } from '../../support/http.js';

@Hub('crowd')
class CrowdHub extends SignalRHub {}

const as = (user: string, address = '10.0.0.1'): Record<string, string> => ({
  'x-user': user,
  'x-address': address,
});

describe.each(platforms)('limits of connections on %s', (platform) => {
  const clock = new FakeClock();
  let app: TestApp;

  async function start(limits: SignalRModuleOptions['limits']): Promise<void> {
    app = await startApp({
      platform,
      hubs: [CrowdHub],
      signalr: {
        clock,
        authenticate: ({ headers }) => headers['x-user'],
        limits: { addressOf: ({ headers }) => headers['x-address'] as string | undefined, ...limits },
      },
    });
  }

  afterEach(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  const classic = (headers: Record<string, string>): Promise<RawClassicClient> =>
    RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['crowd'], headers });

  const core = (headers: Record<string, string>): Promise<RawCoreClient> =>
    RawCoreClient.connect(`${app.url}/signalr/crowd`, headers);

  /** The status with which one more client of each family is refused. */
  async function refusals(headers: Record<string, string>): Promise<number[]> {
    const raw = await RawClassicClient.negotiate(`${app.url}/signalr`, { hubs: ['crowd'], headers });
    const { connectionToken } = await RawCoreClient.negotiate(
      `${app.url}/signalr/crowd`,
      'negotiateVersion=1',
      headers,
    );
    const poll = raw.query().replace('webSockets', 'longPolling');
    const answers = await Promise.all([
      refusedUpgrade(`${app.url}/signalr/connect?${raw.query()}`, headers),
      http('POST', `${app.url}/signalr/connect?${poll}`, { headers, body: '' }),
      refusedUpgrade(`${app.url}/signalr/crowd?id=${connectionToken}`, headers),
    ]);
    return answers.map(({ status }) => status);
  }

  test.each([
    ['all together', { maxConnections: 2 }, as('eve', '10.9.9.9'), 503],
    ['of one user', { maxConnectionsPerUser: 2 }, as('ann', '10.9.9.9'), 429],
    ['from one address', { maxConnectionsPerAddress: 2 }, as('eve'), 429],
  ])('%s: one more is refused, until one has gone', async (_, limits, more, status) => {
    await start(limits);
    const clients = [await classic(as('ann')), await core(as('ann'))] as const;
    expect(await refusals(more)).toEqual([status, status, status]);
    clients[1].close();
    await clients[1].socket.closed;
    await expect.poll(() => app.app.get(SignalRService).connectionCount).toBe(1);
    const next = await core(more);
    expect(await refusals(more)).toEqual([status, status, status]);
    await clients[0].abort();
    await expect.poll(() => app.app.get(SignalRService).connectionCount).toBe(1);
    const last = await classic(more);
    await last.abort();
    next.close();
  });

  test('others are not concerned', async () => {
    await start({ maxConnectionsPerUser: 1, maxConnectionsPerAddress: 1 });
    const clients = [await classic(as('ann', '1')), await classic(as('bob', '2'))];
    const stranger = await core({});
    const another = await core({});
    expect(app.app.get(SignalRService).connectionCount).toBe(4);
    await Promise.all(clients.map((client) => client.abort()));
    stranger.close();
    another.close();
  });

  test('a classic client that is away keeps its place and may come back; then the place is free', async () => {
    await start({ maxConnections: 1 });
    const client = await classic(as('ann'));
    client.socket.destroy();
    await client.socket.closed;
    expect(await refusals(as('bob'))).toEqual([503, 503, 503]);
    await client.openSocket('reconnect');
    client.socket.destroy();
    await client.socket.closed;
    await clock.advance(40_000);
    const next = await classic(as('bob'));
    await next.abort();
  });

  test('clients that connect and never shake hands count as well', async () => {
    await start({ maxConnections: 1 });
    const silent = await RawCoreClient.open(`${app.url}/signalr/crowd`, as('ann'));
    expect(await refusals(as('bob'))).toEqual([503, 503, 503]);
    await clock.advance(20_000);
    await silent.socket.closed;
    const next = await core(as('bob'));
    next.close();
  });
});
