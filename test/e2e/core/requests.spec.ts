import type { Type } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hub, SignalRHub } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawCoreClient } from '../../support/core-client.js';
import { coreTransports, type CoreTransportName, openLine } from '../../support/core-lines.js';
import { http, type RawAnswer, refusedUpgrade } from '../../support/http.js';
import { HttpStream } from '../../support/http-stream.js';
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

  test('[core 26] the connection id of version 0 is the key, on all transports', async () => {
    for (const transport of coreTransports) {
      const { connectionId } = await RawCoreClient.negotiate(hub, '');
      const line = await openLine(transport, `${hub}?id=${connectionId}`);
      line.send('{"protocol":"json","version":1}\u001e');
      expect(await line.nextText()).toContain('{}');
      line.close();
      await nextEvent('disconnected', connectionId);
    }
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

  test('[core 29] transports that are not served', async () => {
    const only = (transport: CoreTransportName, type: Type): Type => {
      Hub({ name: transport, transports: [transport] })(type);
      return type;
    };
    const own = await startApp({
      platform,
      hubs: [
        only('WebSockets', class extends SignalRHub {}),
        only('LongPolling', class extends SignalRHub {}),
      ],
    });
    const streams = `${own.url}/signalr/WebSockets`;
    const { connectionToken: first } = await RawCoreClient.negotiate(streams);
    const stream = await http('GET', `${streams}?id=${first}`, { headers: SSE });
    expectText(stream, 404, 'ServerSentEvents transport not supported by this end point type');
    const poll = await http('GET', `${streams}?id=${first}`);
    expectText(poll, 404, 'LongPolling transport not supported by this end point type');
    expectNotCached(poll);
    const polls = `${own.url}/signalr/LongPolling`;
    const { connectionToken: second } = await RawCoreClient.negotiate(polls);
    const socket = await refusedUpgrade(`${polls}?id=${second}`);
    expectText(socket, 404, 'WebSockets transport not supported by this end point type');
    await own.close();
  });

  test('[core 30] a polling connection keeps polling', async () => {
    const url = `${hub}?id=${await token()}`;
    expect((await http('GET', url)).status).toBe(200);
    const stream = await http('GET', url, { headers: SSE });
    expectText(stream, 400, 'Cannot change transports mid-connection');
    expectText(await refusedUpgrade(url), 400, 'Cannot change transports mid-connection');
    expect((await http('DELETE', url)).status).toBe(202);
  });

  test('[core 31] one event stream, or one WebSocket, for one connection', async () => {
    const url = `${hub}?id=${await token()}`;
    const socket = await RawWebSocket.open(url.replace('http', 'ws'));
    expectText(await refusedUpgrade(url), 409, '');
    socket.close();
    await socket.closed;
    const streamed = `${hub}?id=${await token()}`;
    const stream = await HttpStream.open('GET', streamed, { headers: SSE });
    expectText(await http('GET', streamed, { headers: SSE }), 409, '');
    stream.destroy();
  });

  test('[core 32] an upgrade that asks for an event stream is one', async () => {
    const { connectionId, connectionToken } = await RawCoreClient.negotiate(hub);
    const url = `${hub}?id=${connectionToken}`;
    const stream = await HttpStream.open('GET', url, {
      headers: {
        ...SSE,
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    });
    expect([stream.status, stream.headers['content-type']]).toEqual([200, 'text/event-stream']);
    await http('POST', url, { body: '{"protocol":"json","version":1}\u001e' });
    await stream.contains('data: {}\u001e');
    await nextEvent('connected', connectionId);
    stream.destroy();
    await nextEvent('disconnected', connectionId);
  });

  test.each([
    ['text/html, text/event-stream', 'text/event-stream'],
    ['TEXT/EVENT-STREAM', 'text/event-stream'],
    ['*/*', 'application/octet-stream'],
    ['text/*', 'application/octet-stream'],
    ['text/event-stream;q=0.5', 'application/octet-stream'],
  ])('[core 33] Accept: %s is answered with %s', async (accept, type) => {
    const stream = await HttpStream.open('GET', `${hub}?id=${await token()}`, {
      headers: { Accept: accept },
    });
    expect([stream.status, stream.headers['content-type']]).toEqual([200, type]);
    stream.destroy();
  });

  test('[core 191] a token is of no use to somebody else', async () => {
    const own = await startApp({
      platform,
      hubs: [PlainHub],
      signalr: { authenticate: ({ headers }) => headers.authorization?.split(' ')[0] },
    });
    const url = `${own.url}/signalr/h`;
    const [ann, bob] = ['ann', 'bob'].map((name) => ({ Authorization: `${name} 1` }));
    for (const transport of coreTransports) {
      const { connectionId, connectionToken } = await RawCoreClient.negotiate(url, 'negotiateVersion=1', ann);
      const line = await openLine(transport, `${url}?id=${connectionToken}`, ann);
      line.send('{"protocol":"json","version":1}\u001e');
      await nextEvent('connected', connectionId);
      for (const headers of [{ ...bob }, {}]) {
        for (const method of ['GET', 'POST', 'DELETE']) {
          expectText(await http(method, `${url}?id=${connectionToken}`, { headers }), 403, '');
        }
        const stream = await http('GET', `${url}?id=${connectionToken}`, { headers: { ...headers, ...SSE } });
        expectText(stream, 403, '');
        expectText(await refusedUpgrade(`${url}?id=${connectionToken}`, headers), 403, '');
      }
      line.send('{"type":1,"invocationId":"1","target":"add","arguments":[1,2]}\u001e');
      for (let text = ''; !text.includes('"result":3');) {
        text += await line.nextText();
      }
      line.close();
      await nextEvent('disconnected', connectionId);
    }
    await own.close();
  });

  test('the same user with a fresh bearer is the same user', async () => {
    const own = await startApp({
      platform,
      hubs: [PlainHub],
      signalr: { authenticate: ({ headers }) => headers.authorization?.split(' ')[0] },
    });
    const url = `${own.url}/signalr/h`;
    const bearer = (number: number): Record<string, string> => ({ Authorization: `ann ${number}` });
    const { connectionToken } = await RawCoreClient.negotiate(url, 'negotiateVersion=1', bearer(1));
    const id = `${url}?id=${connectionToken}`;
    expect((await http('GET', id, { headers: bearer(2) })).status).toBe(200);
    const body = '{"protocol":"json","version":1}\u001e';
    expect((await http('POST', id, { headers: bearer(3), body })).status).toBe(200);
    expect((await http('DELETE', id, { headers: bearer(4) })).status).toBe(202);
    await own.close();
  });

  test('[core 34] an ended connection is gone', async () => {
    const { connectionId, connectionToken: id } = await RawCoreClient.negotiate(hub);
    const socket = await RawWebSocket.open(`${hub.replace('http', 'ws')}?id=${id}`);
    socket.send('{"protocol":"json","version":1}\u001e');
    await socket.nextText();
    socket.close();
    await socket.closed;
    await nextEvent('disconnected', connectionId);
    for (const method of ['GET', 'POST', 'DELETE']) {
      expectText(await http(method, `${hub}?id=${id}`), 404, 'No Connection with that ID');
    }
    expect((await refusedUpgrade(`${hub}?id=${id}`)).status).toBe(404);
    const again = hubEvents.pending.filter((event) => event.connectionId === connectionId);
    expect(again.filter(({ event }) => event === 'disconnected')).toEqual([]);
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
    const url = `${own.url}/signalr/h/negotiate?negotiateVersion=1`;
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
    const { connectionToken } = JSON.parse(negotiated.body) as { connectionToken?: string };
    const streamed = `${own.url}/signalr/h?id=${connectionToken ?? ''}`;
    const stream = await HttpStream.open('GET', streamed, { headers: { ...SSE, ...origin } });
    expect(stream.headers['access-control-allow-origin']).toBe('https://page.example');
    stream.destroy();
    const polling = await RawCoreClient.negotiate(`${own.url}/signalr/h`);
    const polled = `${own.url}/signalr/h?id=${polling.connectionToken ?? ''}`;
    for (const method of ['GET', 'POST', 'DELETE']) {
      const answer = await http(method, polled, { headers: origin });
      expect(answer.headers['access-control-allow-origin']).toBe('https://page.example');
    }
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
