import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { connectionData, RawClassicClient } from '../../support/classic-client.js';
import { http, type RawAnswer, refusedUpgrade } from '../../support/http.js';
import { ClassicTokens } from '../../../lib/protocols/classic/tokens.js';
import { authenticate, ChatHub, OtherHub } from './hubs.js';

const SECRET = 'routing tests';
const UNKNOWN_TRANSPORT = 'Protocol error: Unknown transport.';
const MISSING_TOKEN = 'Protocol error: Missing connection token.';
const BAD_TOKEN = 'The ConnectionId is in the incorrect format.';
const OTHER_USER =
  'Unrecognized user identity.  The user identity cannot change during an active SignalR connection.';

describe.each(platforms)('classic routing on %s', (platform) => {
  let app: TestApp;
  let base: string;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [ChatHub, OtherHub],
      signalr: { secret: SECRET, authenticate },
    });
    base = `${app.url}/signalr`;
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  const get = (path: string, headers: Record<string, string> = {}): Promise<RawAnswer> =>
    http('GET', `${base}${path}`, { headers });

  async function token(user?: string): Promise<string> {
    const answer = await get('/negotiate', user === undefined ? {} : { 'X-User': user });
    return encodeURIComponent((JSON.parse(answer.body) as { ConnectionToken: string }).ConnectionToken);
  }

  function expectRejection(answer: RawAnswer, status: number, body: string): void {
    expect([answer.status, answer.body]).toEqual([status, body]);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
  }

  test('[classic 1] the bare base path names no transport', async () => {
    expectRejection(await get(''), 400, UNKNOWN_TRANSPORT);
  });

  test('[classic 2] a transport that does not exist is refused', async () => {
    const answer = await get(`/connect?transport=carrierPigeon&connectionToken=${await token()}`);
    expectRejection(answer, 400, UNKNOWN_TRANSPORT);
  });

  test('[classic 3] a missing transport is refused', async () => {
    expectRejection(await get(`/connect?connectionToken=${await token()}`), 400, UNKNOWN_TRANSPORT);
  });

  test('[classic 4] a missing token is refused', async () => {
    expectRejection(await get('/connect?transport=serverSentEvents'), 400, MISSING_TOKEN);
  });

  test('[classic 5] an empty token is a missing one', async () => {
    expectRejection(await get('/connect?transport=serverSentEvents&connectionToken='), 400, MISSING_TOKEN);
  });

  test('[classic 6] garbage is no token', async () => {
    const answer = await get('/connect?transport=serverSentEvents&connectionToken=garbage');
    expectRejection(answer, 400, BAD_TOKEN);
  });

  test('[classic 7] a token is refused if any character was altered', async () => {
    const good = await token();
    for (let index = 0; index < good.length; index += 7) {
      const altered = good.slice(0, index) + (good[index] === 'A' ? 'B' : 'A') + good.slice(index + 1);
      const answer = await get(`/connect?transport=serverSentEvents&connectionToken=${altered}`);
      expectRejection(answer, 400, BAD_TOKEN);
    }
  });

  test('[classic 8] a groups token is no connection token', async () => {
    const groups = new ClassicTokens([SECRET]).issueGroups('0e2b6b0e-7f5c-4a0f-9c0b-2a9a4d1c7f11', []);
    const answer = await get(`/connect?transport=serverSentEvents&connectionToken=${groups}`);
    expectRejection(answer, 400, BAD_TOKEN);
  });

  test('[classic 9] the transport is looked at before the token', async () => {
    expectRejection(await get('/connect?transport=none'), 400, UNKNOWN_TRANSPORT);
  });

  test.each(['start', 'send', 'abort'])('[classic 10] /%s needs a token as well', async (operation) => {
    expectRejection(await get(`/${operation}?transport=longPolling`), 400, MISSING_TOKEN);
  });

  test.each([
    ['[classic 11] anonymous', undefined, 'bob'],
    ['[classic 12] bob', 'bob', undefined],
  ])('%s token is refused for another user', async (_, negotiated, current) => {
    const path = `/start?transport=longPolling&connectionToken=${await token(negotiated)}`;
    const answer = await get(path, current === undefined ? {} : { 'X-User': current });
    expectRejection(answer, 403, OTHER_USER);
  });

  test.each([
    ['[classic 13] in other letters', 'bob', 'BOB'],
    ['[classic 14] with a colon', 'corp:bob:1', 'corp:bob:1'],
  ])('%s the user name is accepted', async (_, negotiated, current) => {
    const path = `/start?transport=longPolling&connectionToken=${await token(negotiated)}`;
    expect((await get(path, { 'X-User': current })).status).toBe(200);
  });

  test('[classic 15] names and values of the query are read in any case', async () => {
    const answer = await get(`/start?TRANSPORT=LONGPOLLING&CONNECTIONTOKEN=${await token()}`);
    expect(answer.status).toBe(200);
  });

  test('[classic 16] the path is read in any case', async () => {
    const answer = await http('GET', `${app.url}/SIGNALR/NEGOTIATE`);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ Url: '/signalr/NEGOTIATE', ProtocolVersion: '1.2' });
  });

  test('[classic 17] a longer first segment is not ours', async () => {
    expect((await http('GET', `${app.url}/signalrx/negotiate`)).status).toBe(404);
  });

  test('[classic 18] negotiate has no slash behind it', async () => {
    expectRejection(await get('/negotiate/'), 400, UNKNOWN_TRANSPORT);
  });

  test('[classic 19] negotiate may stand deeper', async () => {
    const answer = await get('/sub/negotiate');
    expect(JSON.parse(answer.body)).toMatchObject({ Url: '/signalr/sub' });
  });

  test('[classic 20] the method of negotiate does not matter', async () => {
    const members = async (method: string): Promise<string[]> =>
      Object.keys(JSON.parse((await http(method, `${base}/negotiate`)).body) as object);
    expect(await members('POST')).toEqual(await members('GET'));
  });

  test('[classic 21] nor that of start and abort', async () => {
    const query = `transport=longPolling&connectionToken=${await token()}`;
    const started = await http('POST', `${base}/start?${query}`, { body: '' });
    expect(JSON.parse(started.body)).toEqual({ Response: 'started' });
    expect((await get(`/abort?${query}`)).status).toBe(200);
  });

  test('[classic 22] every answer but the one of JSONP says nosniff', async () => {
    for (const path of ['/negotiate', '/ping', '/hubs', '']) {
      expect((await get(path)).headers['x-content-type-options']).toBe('nosniff');
    }
    expect((await get('/ping?callback=x')).headers['x-content-type-options']).toBeUndefined();
  });

  test('[classic 23] a plain request is no WebSocket', async () => {
    const answer = await get(`/connect?transport=webSockets&connectionToken=${await token()}`);
    expectRejection(answer, 400, 'Not a valid web socket request.');
  });

  test('[classic 24] an upgrade is refused with an HTTP answer', async () => {
    const url = `${base}/connect?transport=webSockets&connectionToken=`;
    expectRejection(await refusedUpgrade(`${url}garbage`), 400, BAD_TOKEN);
    expectRejection(await refusedUpgrade(url + (await token('bob'))), 403, OTHER_USER);
  });

  test('[classic 25] [classic 26] parameters of the application reach the hub, repeated ones joined', async () => {
    const client = await RawClassicClient.connect(base, { hubs: ['ChatHub'], query: 'a=1&Other=x%20y&a=2' });
    expect((await client.invoke('ChatHub', 'query', 'a')).R).toBe('1,2');
    expect((await client.invoke('ChatHub', 'query', 'other')).R).toBe('x y');
    client.socket.destroy();
    await client.abort();
  });

  test('[classic 27] escapes in a token are decoded', async () => {
    const raw = decodeURIComponent(await token());
    const escaped = Buffer.from(raw).toString('hex').replaceAll(/../g, '%$&');
    expect((await get(`/start?transport=longPolling&connectionToken=${escaped}`)).status).toBe(200);
    // What standard base64 has and our tokens do not must arrive as it was sent, and be no token.
    const answer = await get('/start?transport=longPolling&connectionToken=a%2Bb%2Fc%3D');
    expectRejection(answer, 400, BAD_TOKEN);
  });

  test('a list of hubs may come unescaped', async () => {
    const answer = await get('/negotiate?connectionData=[{"Name":"ChatHub"}]'.replaceAll('"', '%22'));
    expect(answer.status).toBe(200);
    expect((await get(`/negotiate?connectionData=${connectionData(['chathub'])}`)).status).toBe(200);
  });
});
