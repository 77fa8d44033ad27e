import { connect as connectTcp } from 'node:net';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawCoreClient, RS } from '../../support/core-client.js';
import { FakeClock } from '../../support/fake-clock.js';
import { http, refusedUpgrade } from '../../support/http.js';
import { HttpStream } from '../../support/http-stream.js';
import { LineBreaker } from '../../support/line-breaker.js';
import { GuardedHub, hubEvents, nextEvent, PlainHub } from './hubs.js';

const SSE = { Accept: 'text/event-stream' };
const HANDSHAKE = `{"protocol":"json","version":1}${RS}`;
const WELCOME = `{"type":1,"target":"welcome","arguments":["first"]}${RS}\r\n\r\n`;

describe.each(platforms)('core server-sent events on %s', (platform) => {
  const clock = new FakeClock();
  let app: TestApp;
  let hub: string;
  let lines: LineBreaker;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [PlainHub, GuardedHub],
      signalr: { clock, outbox: { maxBytes: 64 * 1024 * 1024, maxMessages: 100_000 } },
    });
    hub = `${app.url}/signalr/h`;
    lines = new LineBreaker(app);
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  /** A stream whose requests are made by hand. */
  async function negotiated(): Promise<{ id: string; url: string }> {
    const { connectionId, connectionToken } = await RawCoreClient.negotiate(hub);
    return { id: connectionId, url: `${hub}?id=${connectionToken}` };
  }

  const open = (url: string): Promise<HttpStream> => HttpStream.open('GET', url, { headers: SSE });

  async function greeted(): Promise<{ id: string; url: string; stream: HttpStream }> {
    const { id, url } = await negotiated();
    const stream = await open(url);
    await http('POST', url, { body: HANDSHAKE });
    await stream.contains(WELCOME);
    return { id, url, stream };
  }

  const call = (url: string, target: string, ...args: unknown[]): ReturnType<typeof http> =>
    http('POST', url, { body: JSON.stringify({ type: 1, target, arguments: args }) + RS });

  test('[core 66] the head and the first bytes come before anything is sent', async () => {
    const stream = await open((await negotiated()).url);
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache,no-store',
      pragma: 'no-cache',
      'content-encoding': 'identity',
    });
    await stream.contains(':\r\n');
    expect(stream.body).toBe(':\r\n');
    stream.destroy();
  });

  test('[core 67] [core 85] the handshake by POST', async () => {
    const headers = { Authorization: 'Bearer admin' };
    const guarded = `${app.url}/signalr/guarded`;
    const { connectionToken } = await RawCoreClient.negotiate(guarded, 'negotiateVersion=1', headers);
    const url = `${guarded}?id=${connectionToken}`;
    const stream = await HttpStream.open('GET', url, { headers: { ...headers, ...SSE } });
    const answer = await http('POST', url, { headers, body: HANDSHAKE });
    expect([answer.status, answer.headers['content-type'], answer.body]).toEqual([200, 'text/plain', '']);
    await stream.contains(`:\r\ndata: {}${RS}\r\n\r\n`);
    stream.destroy();
  });

  test('[core 69] nothing but comments, data and empty lines', async () => {
    const { url, stream } = await greeted();
    await call(url, 'toAll', 'a\nb\r\nevent: x');
    await stream.contains('hear');
    for (const line of stream.body.split('\r\n')) {
      expect(line).toMatch(/^$|^:$|^data: \{/);
    }
    expect(stream.body.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    stream.destroy();
  });

  test('[core 70] a ping after 16 s', async () => {
    const { stream } = await greeted();
    await clock.advance(16_000);
    await stream.contains(`"type":6}${RS}\r\n\r\n`);
    expect(stream.body.endsWith(`\r\n\r\ndata: {"type":6}${RS}\r\n\r\n`)).toBe(true);
    stream.destroy();
  });

  test('[core 71] the client leaves', async () => {
    const { id, url, stream } = await greeted();
    stream.destroy();
    await lines.untilFree(url.slice(app.url.length));
    await clock.advance(2_000);
    expect(await nextEvent('disconnected', id)).toMatchObject({
      error: undefined,
      detail: { stopCalled: false },
    });
    const answer = await http('POST', url, { body: 'x' });
    expect([answer.status, answer.body]).toEqual([404, 'No Connection with that ID']);
  });

  test('a goodbye that comes behind the end of the stream is one', async () => {
    const { id, url, stream } = await greeted();
    stream.destroy();
    await lines.untilFree(url.slice(app.url.length));
    expect((await http('POST', url, { body: `{"type":7}${RS}` })).status).toBe(200);
    expect((await nextEvent('disconnected', id)).detail).toMatchObject({ stopCalled: true });
  });

  test('[core 72] the hub ends the connection', async () => {
    const { url, stream } = await greeted();
    await call(url, 'abort');
    expect((await stream.ended).endsWith(`data: {"type":7}${RS}\r\n\r\n`)).toBe(true);
  });

  test('[core 73] DELETE is for those who poll', async () => {
    const { url, stream } = await greeted();
    const answer = await http('DELETE', url);
    expect([answer.status, answer.headers['content-type'], answer.body]).toEqual([
      400,
      'text/plain',
      'Cannot terminate this connection using the DELETE endpoint.',
    ]);
    await call(url, 'toAll', 'still here');
    await stream.contains('still here');
    stream.destroy();
  });

  test('[core 74] a POST before the GET waits for it', async () => {
    const { id, url } = await negotiated();
    expect((await http('POST', url, { body: HANDSHAKE })).status).toBe(200);
    expect(hubEvents.pending.filter(({ connectionId }) => connectionId === id)).toEqual([]);
    const stream = await open(url);
    await stream.contains(`data: {}${RS}`);
    await nextEvent('connected', id);
    stream.destroy();
  });

  test('[core 31] one stream for one connection', async () => {
    const { url, stream } = await greeted();
    const second = await http('GET', url, { headers: SSE });
    expect([second.status, second.headers['content-type'], second.body]).toEqual([409, 'text/plain', '']);
    const socket = await refusedUpgrade(url);
    expect([socket.status, socket.body]).toEqual([400, 'Cannot change transports mid-connection']);
    const poll = await http('GET', url);
    expect([poll.status, poll.body]).toEqual([400, 'Cannot change transports mid-connection']);
    stream.destroy();
  });

  test('several messages of one turn are one event', async () => {
    const { url, stream } = await greeted();
    const one = JSON.stringify({ type: 1, target: 'ping', invocationId: '1', arguments: [] }) + RS;
    await http('POST', url, { body: one + one });
    const completion = `{"type":3,"invocationId":"1","result":null}${RS}`;
    await stream.contains(completion + completion);
    expect(stream.body.endsWith(`data: ${completion}${completion}\r\n\r\n`)).toBe(true);
    stream.destroy();
  });

  test('a message over the limit ends the connection', async () => {
    const { id, url, stream } = await greeted();
    const answer = await call(url, 'echo', 'x'.repeat(40_000));
    expect([200, 404]).toContain(answer.status);
    expect(await stream.ended).toContain(
      '{"type":7,"error":"Connection closed with an error.","allowReconnect":true}',
    );
    expect((await nextEvent('disconnected', id)).error?.message).toContain('32768B was exceeded');
  });

  test('nothing for 15 s is no handshake', async () => {
    const { id, url } = await negotiated();
    const stream = await open(url);
    await clock.advance(16_000);
    expect(await stream.ended).toBe(`:\r\ndata: {"error":"Handshake was canceled."}${RS}\r\n\r\n`);
    expect(hubEvents.pending.filter(({ connectionId }) => connectionId === id)).toEqual([]);
  });

  test('a client that does not read is cut off', async () => {
    const { id, url } = await negotiated();
    const deaf = connectTcp(Number(new URL(hub).port), '127.0.0.1');
    deaf.on('error', () => undefined);
    deaf.write(`GET ${url.slice(app.url.length)} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`);
    await new Promise((resolve) => deaf.once('data', resolve));
    deaf.pause();
    await http('POST', url, { body: HANDSHAKE });
    await nextEvent('connected', id);
    const well = await greeted();
    for (let round = 0; round < 300; round++) {
      await call(well.url, 'toAll', 'x'.repeat(30_000));
    }
    const cut = nextEvent('disconnected', id);
    await clock.advance(12_000);
    expect((await cut).connectionId).toBe(id);
    well.stream.destroy();
    deaf.destroy();
  });

  test('what a client posts waits while its calls run, and is taken when they have', async () => {
    const own = await startApp({
      platform,
      hubs: [PlainHub],
      signalr: { core: { applicationMaxBufferSize: 100 } },
    });
    const client = await RawCoreClient.connect(`${own.url}/signalr/h`, {}, '', 'ServerSentEvents');
    for (let value = 0; value < 20; value++) {
      client.send({ type: 1, invocationId: `${value}`, target: 'echo', arguments: [value] });
    }
    await client.next('the welcome');
    for (let value = 0; value < 20; value++) {
      expect(await client.next()).toMatchObject({ invocationId: `${value}`, result: value });
    }
    client.close();
    await own.close();
  });
});
