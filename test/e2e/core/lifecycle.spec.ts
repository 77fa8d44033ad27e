import { connect as connectTcp } from 'node:net';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawCoreClient } from '../../support/core-client.js';
import { FakeClock } from '../../support/fake-clock.js';
import { refusedUpgrade } from '../../support/http.js';
import { deferred } from '../../support/inbox.js';
import { FailingHub, gates, hubEvents, nextEvent, PlainHub } from './hubs.js';

/** A WebSocket frame as a client sends it, with a mask that changes nothing. */
function maskedText(text: string): Buffer {
  const payload = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

describe.each(platforms)('core connections on %s', (platform) => {
  const clock = new FakeClock();
  let app: TestApp;
  let hub: string;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [PlainHub, FailingHub],
      signalr: { clock, allowedOrigins: ['https://Good.example'], core: { closeTimeout: 200 } },
    });
    hub = `${app.url}/signalr/h`;
  });

  afterAll(async () => {
    await app.close();
    const unexpected = app.logged.filter((line) => !/no entry|goodbye failed|does not read/.test(line));
    expect(unexpected).toEqual([]);
  });

  const connect = (query = ''): Promise<RawCoreClient> => RawCoreClient.connect(hub, {}, query);

  test('[core 52] [core 178] without negotiation', async () => {
    const client = await RawCoreClient.openDirectly(hub);
    await client.shakeHands();
    expect((await client.invoke('whoAmI')).result).toMatch(/^[\w-]{22}$/);
    client.close();
  });

  test('[core 53] frames mean nothing', async () => {
    const client = await connect();
    const call = '{"type":1,"invocationId":"1","target":"add","arguments":[1,2]}\u001e';
    client.socket.send(call.slice(0, 20));
    client.socket.send(call.slice(20, 21));
    client.socket.send(call.slice(21) + call.replace('"1"', '"2"'));
    await client.next('the welcome');
    expect(await client.next()).toMatchObject({ invocationId: '1', result: 3 });
    expect(await client.next()).toMatchObject({ invocationId: '2', result: 3 });
    client.close();
  });

  test('JSON in a binary frame is JSON', async () => {
    const client = await RawCoreClient.open(hub);
    client.socket.send(Buffer.from('{"protocol":"json","version":1}\u001e'));
    expect(await client.nextRecord()).toBe('{}');
    client.close();
  });

  test('every frame ends with a separator, also when many messages leave at once', async () => {
    const client = await connect();
    const big = 'x'.repeat(20_000);
    client.send(
      ...Array.from({ length: 12 }, (_, id) => ({
        type: 1,
        invocationId: `${id}`,
        target: 'echo',
        arguments: [big],
      })),
    );
    let answers = 0;
    while (answers < 12) {
      const frame = (await client.socket.frames.next('answers')).data.toString();
      expect(frame.endsWith('\u001e')).toBe(true);
      answers += frame.split('"type":3').length - 1;
    }
    client.close();
  });

  test('[core 56] the client closes with 1000', async () => {
    const client = await connect();
    client.socket.close(1000);
    expect((await client.socket.closed).code).toBe(1000);
    expect((await nextEvent('disconnected', client.connectionId)).error).toBeUndefined();
  });

  test('[core 57] the line goes dead', async () => {
    const client = await connect();
    const ended = nextEvent('disconnected', client.connectionId);
    client.socket.destroy();
    expect((await ended).error).toBeUndefined();
  });

  test('[core 58] the hub ends the connection', async () => {
    const client = await connect();
    await client.next('the welcome');
    client.send({ type: 1, target: 'abort', arguments: [] });
    expect(await client.nextRecord()).toBe('{"type":7}');
    expect(await client.socket.closed).toEqual({ code: 1000, reason: '' });
  });

  test('[core 59] a client that ignores the close is dropped after the close time-out', async () => {
    const socket = connectTcp(Number(new URL(app.url).port), '127.0.0.1');
    socket.write(
      'GET /signalr/h HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    socket.write(
      maskedText('{"protocol":"json","version":1}\u001e{"type":1,"target":"abort","arguments":[]}\u001e'),
    );
    // Whatever comes is read, the close frame too, and nothing is answered.
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => (received = Buffer.concat([received, chunk])));
    await new Promise<void>((resolve, reject) => {
      socket.on('end', resolve);
      socket.on('error', reject);
      AbortSignal.timeout(5_000).addEventListener('abort', () => reject(new Error('it was not dropped')));
    });
    expect(received.toString('latin1')).toContain('{"type":7}\u001e');
    expect(received.subarray(-4).toString('hex')).toBe('880203e8');
    socket.destroy();
  });

  test('[core 60] a hub that fails to say goodbye', async () => {
    const client = await connect('fail=disconnect');
    await client.next('the welcome');
    client.send({ type: 1, target: 'abort', arguments: [] });
    expect((await client.socket.closed).code).toBe(1011);
  });

  test('[core 64] origins: an allow list, in any case; programs have none', async () => {
    const refused = await refusedUpgrade(hub, { Origin: 'https://evil.example' });
    expect([refused.status, refused.body]).toEqual([403, '']);
    const client = await RawCoreClient.open(hub, { Origin: 'https://good.EXAMPLE' });
    client.close();
    expect((await client.socket.closed).code).toBe(1005);
  });

  test('[core 65] no sub-protocol', async () => {
    const client = await connect();
    expect(client.socket.socket.protocol).toBe('');
    client.close();
  });

  test('[core 143] one call at a time, in order', async () => {
    gates.set('first', deferred());
    const client = await connect();
    await client.next('the welcome');
    client.send(
      { type: 1, invocationId: 'a', target: 'wait', arguments: ['first'] },
      { type: 1, invocationId: 'b', target: 'wait', arguments: ['second'] },
    );
    await nextEvent('waiting first');
    const witness = await connect();
    await witness.invoke('ping');
    expect(hubEvents.pending.filter(({ event }) => event === 'waiting second')).toEqual([]);
    gates.get('first')?.resolve();
    expect([(await client.next()).invocationId, (await client.next()).invocationId]).toEqual(['a', 'b']);
    client.close();
    witness.close();
  });

  test('two at a time, where that is allowed', async () => {
    const own = await startApp({
      platform,
      hubs: [PlainHub],
      signalr: { core: { maximumParallelInvocationsPerClient: 2 } },
    });
    gates.set('slow', deferred());
    const client = await RawCoreClient.connect(`${own.url}/signalr/h`);
    await client.next('the welcome');
    client.send(
      { type: 1, invocationId: 'a', target: 'wait', arguments: ['slow'] },
      { type: 1, invocationId: 'b', target: 'wait', arguments: ['quick'] },
    );
    expect((await client.next()).invocationId).toBe('b');
    gates.get('slow')?.resolve();
    expect((await client.next()).invocationId).toBe('a');
    await own.close();
  });

  test('[core 144] while a call runs, pings are handled', async () => {
    gates.set('long', deferred());
    const client = await connect();
    await client.next('the welcome');
    client.send({ type: 1, invocationId: 'a', target: 'wait', arguments: ['long'] }, { type: 6 });
    await nextEvent('waiting long');
    // Handled, the ping has armed the time-out: silence now ends the connection although the call still runs.
    await clock.advance(31_000);
    expect(await client.next()).toMatchObject({ type: 7, allowReconnect: true });
    gates.get('long')?.resolve();
  });

  test('[core 155] sending to nobody', async () => {
    const client = await connect();
    expect((await client.invoke('toGroup', 'nobody', 'x')).result).toBeNull();
    client.close();
  });

  test('[core 156] who has left is in no group', async () => {
    const [leaving, staying] = [await connect(), await connect()];
    await leaving.invoke('join', 'g');
    const ended = nextEvent('disconnected', leaving.connectionId);
    leaving.close();
    const { connectionId } = await ended;
    expect((await staying.invoke('toGroup', 'g', 'x')).error).toBeUndefined();
    expect(connectionId).toBe(leaving.connectionId);
    expect(leaving.socket.frames.pending.map(({ data }) => data.toString()).join('')).not.toContain('hear');
    staying.close();
  });

  test('[core 157] a hub that refuses in onConnected', async () => {
    const client = await RawCoreClient.open(`${app.url}/signalr/failing`);
    client.send('{"protocol":"json","version":1}');
    expect(await client.nextRecord()).toBe('{}');
    expect(await client.nextRecord()).toBe('{"type":7,"error":"Connection closed with an error."}');
    await client.socket.closed;
    expect(hubEvents.pending.filter(({ event }) => event === 'failing disconnected')).toEqual([]);
  });

  test('[core 158] what onConnected sends comes first', async () => {
    const client = await RawCoreClient.open(hub);
    client.send('{"protocol":"json","version":1}', {
      type: 1,
      invocationId: '1',
      target: 'add',
      arguments: [1, 2],
    });
    expect(await client.nextRecord()).toBe('{}');
    expect(await client.nextRecord()).toBe('{"type":1,"target":"welcome","arguments":["first"]}');
    client.close();
  });

  test('[core 159] calls wait until onConnected is done', async () => {
    gates.set('entrance', deferred());
    const client = await connect('gate=entrance');
    client.send({ type: 1, invocationId: '1', target: 'wait', arguments: ['early'] });
    await client.next('the welcome');
    const witness = await connect();
    await witness.invoke('ping');
    expect(hubEvents.pending.filter(({ event }) => event === 'waiting early')).toEqual([]);
    gates.get('entrance')?.resolve();
    expect(await client.next()).toMatchObject({ invocationId: '1', result: 'early' });
    client.close();
    witness.close();
  });

  test('[core 160] the connection is over before the hub is told', async () => {
    const client = await connect();
    client.close();
    expect((await nextEvent('disconnected', client.connectionId)).detail).toMatchObject({ aborted: true });
  });

  test('[core 161] a hub object per call, items for the connection', async () => {
    const client = await connect();
    expect([(await client.invoke('count')).result, (await client.invoke('count')).result]).toEqual([1, 2]);
    client.close();
  });
});

describe.each(platforms)('core clients that do not read, on %s', (platform) => {
  test('[core 63] a client that does not read is cut off, and nobody else is harmed', async () => {
    const clock = new FakeClock();
    const app = await startApp({
      platform,
      hubs: [PlainHub],
      signalr: { clock, outbox: { maxBytes: 64 * 1024 * 1024, maxMessages: 100_000 } },
    });
    const url = `${app.url}/signalr/h`;
    const [deaf, well] = [await RawCoreClient.connect(url), await RawCoreClient.connect(url)];
    deaf.socket.socket.pause();
    const text = 'x'.repeat(30_000);
    for (let round = 0; round < 300; round++) {
      expect((await well.invoke('toAll', text)).error).toBeUndefined();
    }
    const cut = nextEvent('disconnected', deaf.connectionId);
    await clock.advance(12_000);
    expect((await cut).connectionId).toBe(deaf.connectionId);
    expect((await well.invoke('add', 1, 2)).result).toBe(3);
    deaf.socket.destroy();
    await app.close();
  });

  test('one that does not read and has more waiting than may is cut off at once', async () => {
    const app = await startApp({
      platform,
      hubs: [PlainHub],
      signalr: { outbox: { maxBytes: 1_000_000 } },
    });
    const url = `${app.url}/signalr/h`;
    const [deaf, well] = [await RawCoreClient.connect(url), await RawCoreClient.connect(url)];
    deaf.socket.socket.pause();
    const cut = nextEvent('disconnected', deaf.connectionId);
    const text = 'x'.repeat(30_000);
    let over = false;
    void cut.then(() => (over = true));
    for (let round = 0; round < 2_000 && !over; round++) {
      await well.invoke('toAll', text);
    }
    expect((await cut).connectionId).toBe(deaf.connectionId);
    expect(app.logged.join()).toContain('does not read');
    deaf.socket.destroy();
    await app.close();
  });
});
