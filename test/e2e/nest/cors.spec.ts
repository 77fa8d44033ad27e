import { afterEach, describe, expect, test } from 'vitest';
import type { SignalRModuleOptions } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { http, type RawAnswer, refusedUpgrade } from '../../support/http.js';
import { RawWebSocket } from '../../support/web-socket.js';
import { ChatHub } from '../classic/hubs.js';

const HERE = 'https://app.example';
const ELSEWHERE = 'https://evil.example';

describe.each(platforms)('pages of other origins on %s', (platform) => {
  let app: TestApp;

  afterEach(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  async function start(signalr: SignalRModuleOptions): Promise<void> {
    app = await startApp({ platform, hubs: [ChatHub], signalr });
  }

  const negotiate = (origin: string): Promise<RawAnswer> =>
    http('GET', `${app.url}/signalr/negotiate`, { headers: { Origin: origin } });

  const preflight = (path: string, origin: string): Promise<RawAnswer> =>
    http('OPTIONS', `${app.url}${path}`, {
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'x-requested-with,x-signalr-user-agent',
      },
    });

  /** Status of an upgrade: 101 if it was accepted. */
  async function upgrade(origin: string | undefined): Promise<number> {
    const client = await RawClassicClient.negotiate(`${app.url}/signalr`);
    const url = `${app.wsUrl}/signalr/connect?${client.query()}`;
    const headers: Record<string, string> = origin === undefined ? {} : { Origin: origin };
    try {
      (await RawWebSocket.open(url, headers)).destroy();
      return 101;
    } catch {
      return (await refusedUpgrade(url, headers)).status;
    }
  }

  test('off by default: no headers, and upgrades of every origin', async () => {
    await start({});
    const answer = await negotiate(ELSEWHERE);
    expect(answer.status).toBe(200);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(answer.headers.vary).toBeUndefined();
    expect((await preflight('/signalr/negotiate', ELSEWHERE)).body).toContain('ConnectionToken');
    expect(await upgrade(ELSEWHERE)).toBe(101);
  });

  test('a listed origin is named, with credentials; others get no permission', async () => {
    await start({ cors: { origins: ['HTTPS://app.example'] } });
    const allowed = await negotiate(HERE);
    expect(allowed.headers).toMatchObject({
      'access-control-allow-origin': HERE,
      'access-control-allow-credentials': 'true',
      vary: 'Origin',
    });
    const refused = await negotiate(ELSEWHERE);
    expect(refused.status).toBe(200);
    expect(refused.headers['access-control-allow-origin']).toBeUndefined();
    expect(refused.headers.vary).toBe('Origin');
    expect((await http('GET', `${app.url}/signalr/negotiate`)).headers.vary).toBeUndefined();
  });

  test.each(['/signalr/send', '/signalr/chatHub/negotiate'])('a preflight of %s', async (path) => {
    await start({ cors: { origins: [HERE], maxAge: 90_000 } });
    const allowed = await preflight(path, HERE);
    expect(allowed).toMatchObject({ status: 204, body: '' });
    expect(allowed.headers).toMatchObject({
      'access-control-allow-origin': HERE,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers': 'x-requested-with,x-signalr-user-agent',
      'access-control-max-age': '90',
    });
    const refused = await preflight(path, ELSEWHERE);
    expect(refused).toMatchObject({ status: 204, body: '' });
    expect(refused.headers['access-control-allow-methods']).toBeUndefined();
  });

  test('all origins, without credentials unless they are asked for', async () => {
    await start({ cors: { origins: '*' } });
    const answer = await negotiate(ELSEWHERE);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    await app.close();
    await start({ cors: { origins: '*', credentials: true } });
    expect((await negotiate(ELSEWHERE)).headers).toMatchObject({
      'access-control-allow-origin': ELSEWHERE,
      'access-control-allow-credentials': 'true',
    });
    expect(await upgrade(ELSEWHERE)).toBe(101);
  });

  test('errors and streams carry the headers as well', async () => {
    await start({ cors: { origins: [HERE] } });
    const answer = await http('GET', `${app.url}/signalr/connect`, { headers: { Origin: HERE } });
    expect(answer).toMatchObject({ status: 400, headers: { 'access-control-allow-origin': HERE } });
  });

  test('upgrades: listed origins, the own one, and programs', async () => {
    await start({ cors: { origins: [HERE] } });
    expect(await upgrade(HERE)).toBe(101);
    expect(await upgrade(app.url)).toBe(101);
    expect(await upgrade(undefined)).toBe(101);
    expect(await upgrade(ELSEWHERE)).toBe(403);
    expect(await upgrade('null')).toBe(403);
  });

  test('upgrades: allowedOrigins counts more than cors', async () => {
    await start({ cors: { origins: '*' }, allowedOrigins: [HERE] });
    expect(await upgrade(HERE)).toBe(101);
    expect(await upgrade(ELSEWHERE)).toBe(403);
  });

  test('an application that answers for itself is left alone', async () => {
    app = await startApp({
      platform,
      hubs: [ChatHub],
      signalr: { cors: { origins: [HERE] } },
      configure: (nest) => nest.enableCors({ origin: 'https://other.example' }),
    });
    const { headers } = await negotiate(HERE);
    expect(headers['access-control-allow-origin']).toBe('https://other.example');
    expect(headers['access-control-allow-credentials']).toBeUndefined();
  });
});
