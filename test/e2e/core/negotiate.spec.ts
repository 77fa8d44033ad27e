import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hub, SignalRHub, type SignalRModuleOptions } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { type CoreNegotiation, RawCoreClient } from '../../support/core-client.js';
import { FakeClock } from '../../support/fake-clock.js';
import { http, refusedUpgrade } from '../../support/http.js';
import { GuardedHub, hubEvents, PlainHub } from './hubs.js';

@Hub({ name: 'polled', transports: ['LongPolling'] })
class PolledHub extends SignalRHub {}

const URL_SAFE = /^[A-Za-z0-9_-]{22}$/;

describe.each(platforms)('core negotiate on %s', (platform) => {
  let app: TestApp;
  let hub: string;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [PlainHub, GuardedHub, PolledHub] });
    hub = `${app.url}/signalr/h`;
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  const negotiate = (query = ''): Promise<CoreNegotiation> => RawCoreClient.negotiate(hub, query);

  async function negotiateWith(signalr: SignalRModuleOptions, query: string): Promise<CoreNegotiation> {
    const own = await startApp({ platform, hubs: [PlainHub], signalr });
    try {
      return await RawCoreClient.negotiate(`${own.url}/signalr/h`, query);
    } finally {
      await own.close();
    }
  }

  test('[core 1] version 1: an id and a token', async () => {
    const answer = await http('POST', `${hub}/negotiate?negotiateVersion=1`);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.headers['content-length']).toBe(String(answer.body.length));
    const { negotiateVersion, connectionId, connectionToken } = JSON.parse(answer.body) as CoreNegotiation;
    expect(negotiateVersion).toBe(1);
    expect(connectionId).toMatch(URL_SAFE);
    expect(connectionToken).toMatch(URL_SAFE);
    expect(connectionToken).not.toBe(connectionId);
  });

  test('[core 2] version 0: the id alone', async () => {
    const answer = await negotiate();
    expect(answer.negotiateVersion).toBe(0);
    expect(answer.connectionId).toMatch(URL_SAFE);
    expect(answer).not.toHaveProperty('connectionToken');
  });

  test('[core 3] higher versions are 1', async () => {
    expect(await negotiate('negotiateVersion=7')).toMatchObject({ negotiateVersion: 1 });
  });

  test.each(['abc', '', '1&negotiateVersion=1', '99999999999', '1.5'])(
    '[core 4] a version that is no integer: %o',
    async (version) => {
      const answer = await http('POST', `${hub}/negotiate?negotiateVersion=${version}`);
      expect([answer.status, answer.body]).toEqual([
        200,
        '{"error":"The client requested a non-integer protocol version."}',
      ]);
    },
  );

  test('[core 5] a negative version', async () => {
    expect(await negotiate('negotiateVersion=-1')).toEqual({
      error: `The client requested version '-1', but the server does not support this version.`,
    });
  });

  test('[core 6] a version below the minimum', async () => {
    expect(await negotiateWith({ core: { minimumProtocolVersion: 1 } }, '')).toEqual({
      error: `The client requested version '0', but the server does not support this version.`,
    });
  });

  test('[core 7] names of the query in any case', async () => {
    expect(await negotiate('NegotiateVersion=1')).toMatchObject({ negotiateVersion: 1 });
  });

  test('[core 4] a version without a value', async () => {
    expect(await negotiate('negotiateVersion')).toEqual({
      error: 'The client requested a non-integer protocol version.',
    });
  });

  test('the path with one slash at its end', async () => {
    expect((await http('POST', `${app.url}/signalr/h/negotiate/`)).status).toBe(200);
    expect((await http('GET', `${app.url}/signalr/h//`)).body).not.toBe('Connection ID required');
  });

  test('of a hub that does not exist, where classic clients would be welcome', async () => {
    const answer = await http('POST', `${app.url}/signalr/nothing/negotiate?negotiateVersion=1`);
    expect([answer.status, answer.headers['content-type'], answer.body]).toEqual([
      404,
      'text/plain',
      'There is no hub at this path.',
    ]);
  });

  test('[core 8] transports in their order, with their formats', async () => {
    const all = [
      { transport: 'WebSockets', transferFormats: ['Text', 'Binary'] },
      { transport: 'ServerSentEvents', transferFormats: ['Text'] },
      { transport: 'LongPolling', transferFormats: ['Text', 'Binary'] },
    ];
    expect((await negotiate()).availableTransports).toEqual(all);
    const reversed = await negotiateWith({ core: { transports: ['LongPolling', 'WebSockets'] } }, '');
    expect(reversed.availableTransports).toEqual([all[0], all[2]]);
  });

  test('[core 9] limited to long polling, for all hubs or for one', async () => {
    const polling = [{ transport: 'LongPolling', transferFormats: ['Text', 'Binary'] }];
    const everywhere = await negotiateWith({ core: { transports: ['LongPolling'] } }, '');
    expect(everywhere.availableTransports).toEqual(polling);
    expect((await RawCoreClient.negotiate(`${app.url}/signalr/polled`)).availableTransports).toEqual(polling);
  });

  test.each(['GET', 'PUT', 'DELETE'])('[core 10] %s is not allowed', async (method) => {
    const answer = await http(method, `${hub}/negotiate`);
    expect([answer.status, answer.headers['content-type'], answer.body]).toEqual([405, 'text/plain', '']);
  });

  test.each([
    ['[core 11] an empty body that calls itself JSON', 'application/json', ''],
    ['[core 12] any text', 'text/plain;charset=UTF-8', 'anything'],
  ])('%s is ignored', async (_, type, body) => {
    const answer = await http('POST', `${hub}/negotiate?negotiateVersion=1`, {
      headers: { 'Content-Type': type },
      body,
    });
    expect(JSON.parse(answer.body)).toMatchObject({ negotiateVersion: 1 });
  });

  test('[core 13] stateful reconnect is not granted', async () => {
    expect(await negotiate('negotiateVersion=1&useStatefulReconnect=true')).not.toHaveProperty(
      'useStatefulReconnect',
    );
  });

  test('[core 16] four values for two negotiations', async () => {
    const answers = [await negotiate('negotiateVersion=1'), await negotiate('negotiateVersion=1')];
    const values = answers.flatMap(({ connectionId, connectionToken }) => [connectionId, connectionToken]);
    expect(new Set(values).size).toBe(4);
  });

  test('[core 17] a negotiation that is left alone expires', async () => {
    const clock = new FakeClock();
    const own = await startApp({ platform, hubs: [PlainHub], signalr: { clock } });
    const { connectionToken } = await RawCoreClient.negotiate(`${own.url}/signalr/h`);
    await clock.advance(17_000);
    const answer = await http('GET', `${own.url}/signalr/h?id=${connectionToken}`);
    expect([answer.status, answer.body]).toEqual([404, 'No Connection with that ID']);
    await own.close();
  });

  test('[core 18] a guard that refuses, refuses everywhere', async () => {
    const guarded = `${app.url}/signalr/guarded`;
    const bob = { Authorization: 'Bearer bob' };
    expect((await http('POST', `${guarded}/negotiate`)).status).toBe(401);
    expect((await http('POST', `${guarded}/negotiate`, { headers: bob })).status).toBe(403);
    expect((await http('GET', guarded)).status).toBe(401);
    expect((await refusedUpgrade(guarded)).status).toBe(401);
    expect((await refusedUpgrade(guarded, bob)).status).toBe(403);
  });

  test('the user that a guard has found is the user of the connection', async () => {
    const client = await RawCoreClient.connect(`${app.url}/signalr/guarded`, {}, 'access_token=admin').catch(
      (error: unknown) => error,
    );
    // Negotiate has no token here, so it is refused; without negotiation the query is enough.
    expect(client).toBeInstanceOf(Error);
    const direct = await RawCoreClient.openDirectly(`${app.url}/signalr/guarded?access_token=admin`);
    await direct.shakeHands();
    expect((await direct.invoke('me')).result).toEqual({ user: { id: 'admin' }, id: 'admin' });
    direct.close();
  });

  test('[core 20] parameters of the application reach the hub', async () => {
    const client = await RawCoreClient.connect(hub, {}, 'room=x%20y&other=1');
    expect((await client.invoke('query', 'Room')).result).toBe('x y');
    client.close();
  });

  test('negotiating tells no hub', async () => {
    const { connectionId } = await negotiate();
    expect(hubEvents.pending.filter((event) => event.connectionId === connectionId)).toEqual([]);
  });
});
