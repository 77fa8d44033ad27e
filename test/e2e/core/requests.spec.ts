import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawCoreClient } from '../../support/core-client.js';
import { http, type RawAnswer, refusedUpgrade } from '../../support/http.js';
import { RawWebSocket } from '../../support/web-socket.js';
import { hubEvents, nextEvent, PlainHub } from './hubs.js';

const SSE = { Accept: 'text/event-stream' };

describe.each(platforms)('core requests on %s', (platform) => {
  let app: TestApp;
  let hub: string;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [PlainHub] });
    hub = `${app.url}/signalr/h`;
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  const token = async (): Promise<string> => (await RawCoreClient.negotiate(hub)).connectionToken as string;

  function expectText(answer: RawAnswer, status: number, body: string): void {
    expect([answer.status, answer.headers['content-type'], answer.body]).toEqual([
      status,
      'text/plain',
      body,
    ]);
  }

  function expectNotCached({ headers }: RawAnswer): void {
    expect(headers).toMatchObject({
      'cache-control': 'no-cache, no-store',
      pragma: 'no-cache',
      expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
    });
  }

  test('[core 21] a GET without id', async () => {
    const answer = await http('GET', hub);
    expectText(answer, 400, 'Connection ID required');
    expectNotCached(answer);
  });

  test.each(['GET', 'POST', 'DELETE'])('[core 22] %s without id, or with an empty one', async (method) => {
    expectText(await http(method, hub), 400, 'Connection ID required');
    expectText(await http(method, `${hub}?id=`), 400, 'Connection ID required');
  });

  test('[core 23] an id that nobody has', async () => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      expectText(await http(method, `${hub}?id=nope`), 404, 'No Connection with that ID');
    }
    expectText(await http('GET', `${hub}?id=nope`, { headers: SSE }), 404, 'No Connection with that ID');
  });

  test('[core 24] an upgrade with an id that nobody has', async () => {
    const answer = await refusedUpgrade(`${hub}?id=nope`);
    expect([answer.status, answer.body]).toEqual([404, 'No Connection with that ID']);
  });

  test('[core 25] the connection id of version 1 is no key', async () => {
    const { connectionId } = await RawCoreClient.negotiate(hub);
    expect((await refusedUpgrade(`${hub}?id=${connectionId}`)).status).toBe(404);
  });

  test('the connection id of version 0 is the key', async () => {
    const { connectionId } = await RawCoreClient.negotiate(hub, '');
    const socket = await RawWebSocket.open(`${hub.replace('http', 'ws')}?id=${connectionId}`);
    socket.close();
    expect((await socket.closed).code).toBe(1005);
  });

  test('[core 27] the name of the parameter in any case, but only once', async () => {
    const id = await token();
    expect((await refusedUpgrade(`${hub}?id=${id}&id=${id}`)).status).toBe(404);
    const socket = await RawWebSocket.open(`${hub.replace('http', 'ws')}?ID=${id}`);
    socket.close();
    await socket.closed;
  });

  test.each(['PUT', 'PATCH', 'HEAD', 'OPTIONS'])('[core 28] %s is not allowed', async (method) => {
    expectText(await http(method, hub), 405, '');
  });

  test('transports that are not served', async () => {
    const id = await token();
    const stream = await http('GET', `${hub}?id=${id}`, { headers: SSE });
    expectText(stream, 404, 'ServerSentEvents transport not supported by this end point type');
    const poll = await http('GET', `${hub}?id=${id}`);
    expectText(poll, 404, 'LongPolling transport not supported by this end point type');
    expectNotCached(poll);
  });

  test('a second WebSocket for one connection', async () => {
    const id = await token();
    const url = `${hub.replace('http', 'ws')}?id=${id}`;
    const socket = await RawWebSocket.open(url);
    const answer = await refusedUpgrade(url);
    expect([answer.status, answer.body]).toEqual([409, '']);
    socket.close();
    await socket.closed;
  });

  test('[core 32] an upgrade that asks for an event stream is one', async () => {
    const answer = await refusedUpgrade(`${hub}?id=${await token()}`, SSE);
    expect(answer.body).toBe('ServerSentEvents transport not supported by this end point type');
  });

  test.each([
    ['text/html, text/event-stream', 'ServerSentEvents'],
    ['TEXT/EVENT-STREAM', 'ServerSentEvents'],
    ['*/*', 'LongPolling'],
    ['text/*', 'LongPolling'],
    ['text/event-stream;q=0.5', 'LongPolling'],
  ])('[core 33] Accept: %s means %s', async (accept, transport) => {
    const answer = await http('GET', `${hub}?id=${await token()}`, { headers: { Accept: accept } });
    expect(answer.body).toBe(`${transport} transport not supported by this end point type`);
  });

  test('[core 34] an ended connection is gone', async () => {
    const id = await token();
    const socket = await RawWebSocket.open(`${hub.replace('http', 'ws')}?id=${id}`);
    socket.send('{"protocol":"json","version":1}\u001e');
    await socket.nextText();
    socket.close();
    await socket.closed;
    await nextEvent('disconnected');
    for (const method of ['GET', 'POST', 'DELETE']) {
      expectText(await http(method, `${hub}?id=${id}`), 404, 'No Connection with that ID');
    }
    expect((await refusedUpgrade(`${hub}?id=${id}`)).status).toBe(404);
    expect(hubEvents.pending.filter(({ event }) => event === 'disconnected')).toEqual([]);
  });

  test('[core 35] a preflight is answered by the application’s CORS layer', async () => {
    const own = await startApp({
      platform,
      hubs: [PlainHub],
      configure: (nest) =>
        nest.enableCors({
          origin: 'https://page.example',
          credentials: true,
          methods: ['GET', 'POST', 'DELETE'],
          allowedHeaders: ['x-requested-with', 'x-signalr-user-agent', 'authorization', 'content-type'],
        }),
    });
    const url = `${own.url}/signalr/h/negotiate`;
    const origin = { Origin: 'https://page.example' };
    const preflight = await http('OPTIONS', url, {
      headers: {
        ...origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'x-requested-with,x-signalr-user-agent,authorization,content-type',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': 'https://page.example',
      'access-control-allow-credentials': 'true',
    });
    for (const header of ['x-requested-with', 'x-signalr-user-agent', 'authorization', 'content-type']) {
      expect(preflight.headers['access-control-allow-headers']).toContain(header);
    }
    const negotiated = await http('POST', url, { headers: origin });
    expect(negotiated.headers['access-control-allow-origin']).toBe('https://page.example');
    await own.close();
  });

  test('[core 61] [core 62] a WebSocket connection takes no POST and no DELETE', async () => {
    const id = await token();
    const socket = await RawWebSocket.open(`${hub.replace('http', 'ws')}?id=${id}`);
    const posted = await http('POST', `${hub}?id=${id}`, { body: 'x' });
    expectText(posted, 405, 'POST requests are not allowed for WebSocket connections.');
    const deleted = await http('DELETE', `${hub}?id=${id}`);
    expectText(deleted, 400, 'Cannot terminate this connection using the DELETE endpoint.');
    socket.close();
    await socket.closed;
  });

  test('a path with a slash at the end is the same path', async () => {
    expectText(await http('GET', `${hub}/`), 400, 'Connection ID required');
  });
});
