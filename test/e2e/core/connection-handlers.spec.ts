import type { Server } from 'node:http';

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawCoreClient } from '../../support/core-client.js';
import { type CoreLine, coreTransports, type CoreTransportName, openLine } from '../../support/core-lines.js';
import { FakeClock } from '../../support/fake-clock.js';
import { http, refusedUpgrade } from '../../support/http.js';
import { deferred } from '../../support/inbox.js';
import { RawWebSocket } from '../../support/web-socket.js';
import { BytesHandler, EchoHandler, gates, happenings, next, SmallHandler } from './handlers.js';

/** A client of a connection handler. */
interface Client {
  readonly id: string;
  readonly url: string;
  readonly line: CoreLine;
}

const names: Readonly<Record<CoreTransportName, string>> = {
  WebSockets: 'webSockets',
  ServerSentEvents: 'serverSentEvents',
  LongPolling: 'longPolling',
};

describe.each(platforms)('connection handlers on %s', (platform) => {
  const clock = new FakeClock();
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [],
      providers: [EchoHandler, BytesHandler, SmallHandler],
      signalr: { clock, authenticate: ({ headers }) => headers['x-user'] },
    });
  });

  afterEach(() => {
    happenings.clear();
    gates.clear();
  });

  afterAll(async () => {
    const closing = app.close();
    (app.app.getHttpServer() as Server).closeAllConnections();
    await closing;
    const expected = ['the handler failed', 'the handler does not want it'];
    expect(app.logged.filter((line) => !expected.some((text) => line.includes(text)))).toEqual([]);
  });

  async function negotiated(
    path: string,
    query = '',
    headers: Record<string, string> = {},
  ): Promise<{ id: string; url: string }> {
    const { connectionId, connectionToken } = await RawCoreClient.negotiate(
      app.url + path,
      'negotiateVersion=1',
      headers,
    );
    return { id: connectionId, url: `${app.url}${path}?id=${connectionToken}${query}` };
  }

  async function open(
    transport: CoreTransportName,
    path = '/echo',
    query = '',
    headers: Record<string, string> = {},
  ): Promise<Client> {
    const { id, url } = await negotiated(path, query, headers);
    return { id, url, line: await openLine(transport, url, headers) };
  }

  /** What comes until there is a certain text at its end. */
  async function heard(line: CoreLine, end: string): Promise<string> {
    let text = '';
    while (!text.endsWith(end)) {
      text += await line.nextText(`${end} after ${text}`);
    }
    return text;
  }

  /** How many lines of a kind were logged. */
  const logged = (text: string): number => app.logged.filter((line) => line.includes(text)).length;

  test('negotiation is that of hubs', async () => {
    const answer = await http('POST', `${app.url}/echo/negotiate?negotiateVersion=1`);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
    expect(JSON.parse(answer.body)).toEqual({
      negotiateVersion: 1,
      connectionId: expect.stringMatching(/^[\w-]{22}$/),
      connectionToken: expect.stringMatching(/^[\w-]{22}$/),
      availableTransports: [
        { transport: 'WebSockets', transferFormats: ['Text', 'Binary'] },
        { transport: 'ServerSentEvents', transferFormats: ['Text'] },
        { transport: 'LongPolling', transferFormats: ['Text', 'Binary'] },
      ],
    });
    expect((await http('GET', `${app.url}/echo/negotiate`)).status).toBe(405);
    expect((await http('PUT', `${app.url}/echo`)).status).toBe(405);
    expect(await http('GET', `${app.url}/echo`)).toMatchObject({
      status: 400,
      body: 'Connection ID required',
    });
  });

  test('stateful reconnect is never granted', async () => {
    const { availableTransports, ...answer } = await RawCoreClient.negotiate(
      `${app.url}/echo`,
      'negotiateVersion=1&useStatefulReconnect=true',
    );
    expect(availableTransports).toHaveLength(3);
    expect(answer).not.toHaveProperty('useStatefulReconnect');
  });

  test('bytes and chosen transports are told in negotiation, and nothing else is served', async () => {
    const bytes = await RawCoreClient.negotiate(`${app.url}/raw/bytes`);
    expect(bytes.availableTransports).toEqual([
      { transport: 'WebSockets', transferFormats: ['Binary'] },
      { transport: 'LongPolling', transferFormats: ['Binary'] },
    ]);
    const small = await RawCoreClient.negotiate(`${app.url}/small`);
    expect(small.availableTransports.map(({ transport }) => transport)).toEqual([
      'WebSockets',
      'LongPolling',
    ]);
    for (const path of ['/raw/bytes', '/small']) {
      const { url } = await negotiated(path);
      expect(await http('GET', url, { headers: { Accept: 'text/event-stream' } })).toMatchObject({
        status: 404,
        body: 'ServerSentEvents transport not supported by this end point type',
      });
    }
  });

  describe.each(coreTransports)('over %s', (transport) => {
    test('texts go to and fro without a handshake, and the end is told', async () => {
      const { id, line } = await open(transport, '/echo', '&welcome=hello&Room=a+b&room=c', {
        'x-user': 'ann',
      });
      const { connection } = await next('connected', id);
      expect({
        transport: connection.transport,
        user: connection.user,
        userIdentifier: connection.userIdentifier,
        room: connection.query.get('ROOM'),
        header: connection.headers['x-user'],
        address: connection.remoteAddress,
        url: connection.url.split('?')[0],
      }).toEqual({
        transport: names[transport],
        user: 'ann',
        userIdentifier: 'ann',
        room: 'a b,c',
        header: 'ann',
        address: '127.0.0.1',
        url: '/echo',
      });
      expect(await line.nextText()).toBe('hello');
      line.send('grüße 😀');
      const { data } = await next('received', id);
      expect(data).toBe('grüße 😀');
      expect(await line.nextText()).toBe('grüße 😀');
      line.close();
      const end = await next('disconnected', id);
      expect([end.aborted, end.error, end.connection]).toEqual([true, undefined, connection]);
      await connection.send('nobody hears it');
    });

    test('what is kept with a connection lasts, and belongs to it alone', async () => {
      const [first, second] = [await open(transport), await open(transport)];
      const one = (await next('connected', first.id)).connection;
      const other = (await next('connected', second.id)).connection;
      one.items.set('key', 'value');
      first.line.send('x');
      expect((await next('received', first.id)).connection.items.get('key')).toBe('value');
      expect(other.items.size).toBe(0);
      await other.send('from outside');
      expect(await second.line.nextText()).toBe('from outside');
      first.line.close();
      second.line.close();
      await next('disconnected');
      await next('disconnected');
    });

    test('one thing after another, in the order in which it was sent', async () => {
      gates.set('greeting', deferred());
      gates.set('first', deferred());
      const { id, line } = await open(transport, '/echo', '&gate=greeting');
      await next('connected', id);
      const sent = ['wait:first', ...Array.from({ length: 20 }, (_, index) => `${index};`)];
      for (const text of sent) {
        line.send(text);
      }
      const witness = await open(transport);
      witness.line.send('others go on');
      expect(await witness.line.nextText()).toBe('others go on');
      witness.line.close();
      await next('disconnected', witness.id);
      gates.get('greeting')?.resolve();
      await next('received', id);
      expect(happenings.pending.filter(({ connection }) => connection.id === id)).toEqual([]);
      gates.get('first')?.resolve();
      expect(await heard(line, '19;')).toBe(sent.slice(1).join(''));
      const seen = happenings.pending.map(({ what }) => what);
      const pairs = Array.from({ length: 19 }, () => ['received', 'handled']).flat();
      expect(seen.slice(0, 1 + pairs.length)).toEqual(['handled', ...pairs]);
      line.close();
      await next('disconnected', id);
    });

    test('a receiver that fails closes its connection, and no other', async () => {
      const before = logged('the handler failed');
      const [well, failing] = [await open(transport), await open(transport)];
      failing.line.send('before');
      expect(await failing.line.nextText()).toBe('before');
      failing.line.send('fail');
      await failing.line.ended;
      const { error } = await next('disconnected', failing.id);
      expect(error?.message).toBe('the handler failed');
      expect(logged('the handler failed')).toBe(before + 1);
      well.line.send('still here');
      expect(await well.line.nextText()).toBe('still here');
      well.line.close();
      expect((await next('disconnected', well.id)).error).toBeUndefined();
    });

    test('a connection that the handler does not want is closed, and nothing else is called for it', async () => {
      const before = logged('the handler does not want it');
      const { id, line } = await open(transport, '/echo', '&refuse');
      await line.ended;
      expect(logged('the handler does not want it')).toBe(before + 1);
      await next('connected', id);
      const witness = await open(transport);
      witness.line.close();
      await next('disconnected', witness.id);
      expect(happenings.pending.filter(({ connection }) => connection.id === id)).toEqual([]);
    });

    test('the last words arrive before the handler closes the connection', async () => {
      const { id, line } = await open(transport);
      line.send('one.');
      expect(await line.nextText()).toBe('one.');
      line.send('close');
      expect(await line.nextText()).toBe('the last words');
      await line.ended;
      expect((await next('disconnected', id)).error).toBeUndefined();
    });

    test('what a client sent before it left is still heard', async () => {
      gates.set('slow', deferred());
      const { id, url, line } = await open(transport);
      line.send('wait:slow');
      await next('received', id);
      line.send('the rest');
      // Over a socket the same line carries the goodbye; requests of others are answered before it.
      const witness = await open(transport);
      witness.line.send('settled');
      await witness.line.nextText();
      await (transport === 'WebSockets' ? undefined : http('POST', url, { body: '' }));
      line.close();
      gates.get('slow')?.resolve();
      expect((await next('received', id)).data).toBe('the rest');
      await next('disconnected', id);
      witness.line.close();
      await next('disconnected', witness.id);
    });
  });

  test('a socket that skips negotiation', async () => {
    const socket = await RawWebSocket.open(`${app.wsUrl}/echo?welcome=hi`);
    expect(await socket.nextText()).toBe('hi');
    socket.send('x');
    expect(await socket.nextText()).toBe('x');
    socket.close(4001);
    expect(await socket.closed).toEqual({ code: 4001, reason: '' });
    expect((await next('disconnected')).error).toBeUndefined();
  });

  test('a socket is closed with 1000 by its handler, and with 1011 if that fails', async () => {
    for (const [text, code] of [
      ['close', 1000],
      ['fail', 1011],
    ] as const) {
      const socket = await RawWebSocket.open(`${app.wsUrl}/echo`);
      socket.send(text);
      expect(await socket.closed).toEqual({ code, reason: '' });
      await next('disconnected');
    }
  });

  test('a line that just breaks is no error', async () => {
    const socket = await RawWebSocket.open(`${app.wsUrl}/echo`);
    await next('connected');
    socket.destroy();
    expect((await next('disconnected')).error).toBeUndefined();
  });

  test('texts stay texts and bytes stay bytes, whatever kind of message brought them', async () => {
    for (const [path, isBinary, type] of [
      ['/echo', false, 'string'],
      ['/raw/bytes', true, 'object'],
    ] as const) {
      const socket = await RawWebSocket.open(app.wsUrl + path);
      for (const sent of ['text', Buffer.from('bytes')]) {
        socket.send(sent);
        const { data } = await next('received');
        expect([typeof data, data?.toString()]).toEqual([type, sent.toString()]);
        const frame = await socket.frames.next('the echo');
        expect([frame.isBinary, frame.data.toString()]).toEqual([isBinary, sent.toString()]);
      }
      const { connection } = await next('handled');
      await connection.send('a text');
      await connection.send(Buffer.from('bytes'));
      for (const text of ['a text', 'bytes']) {
        const frame = await socket.frames.next('what was sent');
        expect([frame.isBinary, frame.data.toString()]).toEqual([isBinary, text]);
      }
      socket.close();
      await next('disconnected');
    }
  });

  test('bytes over polls, in both directions', async () => {
    const everyByte = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
    const { id, url } = await negotiated('/raw/bytes');
    expect(await http('GET', url)).toMatchObject({ status: 200, body: '' });
    expect(await http('POST', url, { body: everyByte })).toMatchObject({ status: 200, body: '' });
    expect((await next('received', id)).data).toEqual(everyByte);
    const answer = await http('GET', url);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/octet-stream']);
    expect(answer.bytes).toEqual(everyByte);
    expect((await http('DELETE', url)).status).toBe(202);
    await next('disconnected', id);
  });

  test('characters that are cut in two are put together', async () => {
    const { id, url } = await negotiated('/echo');
    await http('GET', url);
    const face = Buffer.from('a😀b');
    for (const [bytes, text] of [
      [face.subarray(0, 3), 'a'],
      [face.subarray(3), '😀b'],
    ] as const) {
      await http('POST', url, { body: bytes });
      expect((await next('received', id)).data).toBe(text);
      expect((await http('GET', url)).body).toBe(text);
    }
    await http('DELETE', url);
    await next('disconnected', id);
  });

  test('later changes of bytes that were sent do not matter', async () => {
    const socket = await RawWebSocket.open(`${app.wsUrl}/raw/bytes`);
    const { connection } = await next('connected');
    const bytes = Buffer.from('before');
    const sent = connection.send(bytes);
    bytes.write('after!');
    await sent;
    expect(await socket.nextText()).toBe('before');
    socket.close();
    await next('disconnected');
  });

  test('lines of a text keep their number in events, whatever ends them', async () => {
    const { id, line } = await open('ServerSentEvents');
    const { connection } = await next('connected', id);
    await connection.send('a\nb\r\nc\rd\n\ne\r');
    expect(await line.nextText()).toBe('a\nb\nc\nd\n\ne\n');
    line.close();
    await next('disconnected', id);
  });

  test('nothing is sent for nothing', async () => {
    const socket = await RawWebSocket.open(`${app.wsUrl}/echo`);
    const { connection } = await next('connected');
    await connection.send('');
    await connection.send(new Uint8Array());
    socket.send('');
    socket.send('x');
    expect((await next('received')).data).toBe('x');
    expect(await socket.nextText()).toBe('x');
    socket.close();
    await next('disconnected');
  });

  test('a connection keeps its transport and has one line', async () => {
    const { id, url, line } = await open('WebSockets');
    await next('connected', id);
    expect(await http('POST', url, { body: 'x' })).toMatchObject({
      status: 405,
      body: 'POST requests are not allowed for WebSocket connections.',
    });
    expect(await http('GET', url)).toMatchObject({
      status: 400,
      body: 'Cannot change transports mid-connection',
    });
    expect(await refusedUpgrade(url)).toMatchObject({ status: 409, body: '' });
    line.close();
    await next('disconnected', id);
  });

  test('what is posted before the first poll is heard when it comes', async () => {
    const { id, url } = await negotiated('/echo');
    expect((await http('POST', url, { body: 'early' })).status).toBe(200);
    expect((await http('GET', url)).status).toBe(200);
    expect((await next('received', id)).data).toBe('early');
    expect((await http('GET', url)).body).toBe('early');
    await http('DELETE', url);
    await next('disconnected', id);
  });

  test('a polling client comes for what is left, then hears of the end', async () => {
    const { id, url } = await negotiated('/echo');
    await http('GET', url);
    await http('POST', url, { body: 'close' });
    await next('disconnected', id);
    expect(await http('GET', url)).toMatchObject({ status: 200, body: 'the last words' });
    expect(await http('GET', url)).toMatchObject({ status: 204, body: '' });
    for (const method of ['GET', 'POST', 'DELETE']) {
      expect(await http(method, url)).toMatchObject({ status: 404, body: 'No Connection with that ID' });
    }
  });
});
