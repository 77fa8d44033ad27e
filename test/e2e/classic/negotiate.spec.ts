import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SignalRModuleOptions } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { connectionData } from '../../support/classic-client.js';
import { http, type RawAnswer } from '../../support/http.js';
import { AdminHub, authenticate, ChatHub, hubEvents, OtherHub } from './hubs.js';

type Answer = Record<string, unknown> & { ConnectionId: string; ConnectionToken: string };

const FIELDS = [
  'Url',
  'ConnectionToken',
  'ConnectionId',
  'KeepAliveTimeout',
  'DisconnectTimeout',
  'ConnectionTimeout',
  'TryWebSockets',
  'ProtocolVersion',
  'TransportConnectTimeout',
  'LongPollDelay',
];

const VERSIONS: readonly (readonly [tag: string, requested: string | undefined, answered: string])[] = [
  ['[classic 35]', undefined, '1.2'],
  ['[classic 36]', '1.3', '1.3'],
  ['[classic 37]', '1.4', '1.4'],
  ['[classic 38]', '1.5', '1.5'],
  ['[classic 39]', '2.0', '2.0'],
  ['[classic 40]', '2.1', '2.0'],
  ['[classic 41]', '9.9', '2.0'],
  ['[classic 42]', '1.0', '1.2'],
  ['[classic 43]', 'abc', '1.2'],
  ['[classic 44]', '2', '1.2'],
  ['[classic 45]', '', '1.2'],
];

describe.each(platforms)('classic negotiate on %s', (platform) => {
  let app: TestApp;
  const hubs = [ChatHub, OtherHub, AdminHub];

  beforeAll(async () => {
    app = await startApp({ platform, hubs, signalr: { authenticate } });
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  const get = (query = '', headers: Record<string, string> = {}): Promise<RawAnswer> =>
    http('GET', `${app.url}/signalr/negotiate${query}`, { headers });

  const read = async (query = ''): Promise<Answer> => JSON.parse((await get(query)).body) as Answer;

  const list = (...names: string[]): string => `?connectionData=${connectionData(names)}`;

  /** Negotiates with an application of its own. */
  async function readWith(
    signalr: SignalRModuleOptions,
    path = '/signalr',
    prefix?: string,
  ): Promise<Answer> {
    const own = await startApp({
      platform,
      hubs,
      signalr,
      configure: (nest) => prefix !== undefined && nest.setGlobalPrefix(prefix),
    });
    try {
      return JSON.parse((await http('GET', `${own.url}${path}/negotiate`)).body) as Answer;
    } finally {
      await own.close();
    }
  }

  test('[classic 28] [classic 29] ten fields in order, as JSON', async () => {
    const answer = await get('?clientProtocol=2.1');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=UTF-8');
    expect(Object.keys(JSON.parse(answer.body) as object)).toEqual(FIELDS);
  });

  test('[classic 30] ids are GUIDs, and nothing is given out twice', async () => {
    const [first, second] = [await read(), await read()];
    expect(first.ConnectionId).toMatch(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(second.ConnectionId).not.toBe(first.ConnectionId);
    expect(second.ConnectionToken).not.toBe(first.ConnectionToken);
  });

  test('[classic 31] defaults', async () => {
    expect(await read()).toMatchObject({
      Url: '/signalr',
      KeepAliveTimeout: 20,
      DisconnectTimeout: 30,
      ConnectionTimeout: 110,
      TransportConnectTimeout: 5,
      LongPollDelay: 0,
      TryWebSockets: true,
    });
  });

  test('[classic 32] without keep-alives the time-out is null, and there', async () => {
    expect(await readWith({ classic: { keepAlive: null } })).toHaveProperty('KeepAliveTimeout', null);
  });

  test('[classic 33] the keep-alive time-out is twice the keep-alive', async () => {
    expect(await readWith({ classic: { keepAlive: 5_000 } })).toMatchObject({ KeepAliveTimeout: 10 });
  });

  test('[classic 34] the url is where the hubs are', async () => {
    expect(await readWith({ path: '/rt' }, '/rt')).toMatchObject({ Url: '/rt' });
    expect(await readWith({ path: '/rt', useGlobalPrefix: true }, '/app/rt', 'app')).toMatchObject({
      Url: '/app/rt',
    });
  });

  test.each(VERSIONS)('%s version %o is answered with %s', async (_, requested, answered) => {
    const query = requested === undefined ? '' : `?clientProtocol=${requested}`;
    expect(await read(query)).toMatchObject({ ProtocolVersion: answered });
  });

  test('versions are read leniently', async () => {
    for (const [requested, answered] of [
      ['%201.4%20', '1.4'],
      ['01.04', '1.4'],
      ['%2B1.4', '1.4'],
      ['1.99', '1.99'],
      ['1.3.5', '1.3.5'],
      ['2.0.0', '2.0'],
      ['-1.4', '1.2'],
      ['1.4.1.1.1', '1.2'],
    ]) {
      expect(await read(`?clientProtocol=${requested}`), requested).toMatchObject({
        ProtocolVersion: answered,
      });
    }
  });

  test('[classic 46] a server without WebSockets says so', async () => {
    const answer = await readWith({ classic: { transports: ['serverSentEvents', 'longPolling'] } });
    expect(answer).toMatchObject({ TryWebSockets: false });
  });

  test('[classic 47] nothing that newer clients would misread', async () => {
    expect(Object.keys(await read('?clientProtocol=2.1'))).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(?:availableTransports|RedirectUrl|Error)$/)]),
    );
  });

  test('[classic 48] an unknown hub is an error', async () => {
    const answer = await get(list('nohub'));
    expect([answer.status, answer.body]).toEqual([500, '']);
  });

  test('[classic 49] the same hub twice is an error', async () => {
    const data = encodeURIComponent('[{"name":"chathub"},{"name":"ChatHub"}]');
    expect((await get(`?connectionData=${data}`)).status).toBe(500);
  });

  test.each(['{', '5', '"x"', '[5]', '[{}]', '[{"name":""}]', '[{"name":5}]', '[null]'])(
    'a broken list of hubs is an error: %s',
    async (data) => {
      const answer = await get(`?connectionData=${encodeURIComponent(data)}`);
      expect([answer.status, answer.body]).toEqual([500, '']);
    },
  );

  test('[classic 50] a protected hub alone: 401 for who is unknown, 403 for who is known', async () => {
    const anonymous = await get(list('adminhub'));
    expect([anonymous.status, anonymous.body]).toEqual([401, '']);
    const known = await get(list('adminhub'), { 'X-User': 'bob' });
    expect([known.status, known.body]).toEqual([403, '']);
    expect((await get(list('adminhub'), { 'X-User': 'admin' })).status).toBe(200);
  });

  test('[classic 51] a protected hub beside an open one is left out', async () => {
    expect((await get(list('chathub', 'adminhub'))).status).toBe(200);
  });

  test('[classic 52] no hubs are fine', async () => {
    for (const query of ['', '?connectionData=', '?connectionData=[]', '?connectionData=null']) {
      expect((await get(query)).status, query).toBe(200);
    }
  });

  test('[classic 53] negotiating tells no hub', async () => {
    const { ConnectionId } = await read(list('chathub'));
    expect(hubEvents.pending.filter(({ connectionId }) => connectionId === ConnectionId)).toEqual([]);
  });
});
