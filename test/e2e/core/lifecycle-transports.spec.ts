import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawCoreClient } from '../../support/core-client.js';
import { coreTransports } from '../../support/core-lines.js';
import { deferred } from '../../support/inbox.js';
import { FailingHub, gates, GuardedHub, hubEvents, nextEvent, PlainHub } from './hubs.js';

const runs = platforms.flatMap((platform) =>
  coreTransports.map((transport) => [platform, transport] as const),
);

describe.each(runs)('core connections on %s over %s', (platform, transport) => {
  let app: TestApp;
  let hub: string;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [PlainHub, FailingHub, GuardedHub] });
    hub = `${app.url}/signalr/h`;
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged.filter((line) => !/no entry|goodbye failed/.test(line))).toEqual([]);
  });

  const connect = (query = ''): Promise<RawCoreClient> => RawCoreClient.connect(hub, {}, query, transport);

  test('what onConnected sends comes first, and calls wait until it is done', async () => {
    gates.set('entrance', deferred());
    const client = await connect('gate=entrance');
    client.send({ type: 1, invocationId: '1', target: 'wait', arguments: ['early'] });
    expect(await client.next()).toMatchObject({ target: 'welcome' });
    const witness = await connect();
    await witness.settle();
    expect(hubEvents.pending.filter(({ event }) => event === 'waiting early')).toEqual([]);
    gates.get('entrance')?.resolve();
    expect(await client.next()).toMatchObject({ invocationId: '1', result: 'early' });
    client.close();
    witness.close();
  });

  test('the hub ends the connection', async () => {
    const client = await connect();
    await client.next('the welcome');
    client.send({ type: 1, target: 'abort', arguments: [] });
    expect(await client.nextRecord()).toBe('{"type":7}');
    await client.line.ended;
    expect((await nextEvent('disconnected', client.connectionId)).detail).toEqual({
      stopCalled: false,
      aborted: true,
    });
  });

  test('the client says goodbye by a Close', async () => {
    const client = await connect();
    await client.next('the welcome');
    client.send({ type: 7 });
    expect(await client.nextRecord()).toBe('{"type":7}');
    await client.line.ended;
    expect((await nextEvent('disconnected', client.connectionId)).detail).toMatchObject({ stopCalled: true });
  });

  test('a client that leaves is in no group, and others go on', async () => {
    const [leaving, staying] = [await connect(), await connect()];
    await leaving.invoke('join', 'g');
    await staying.invoke('join', 'g');
    leaving.close();
    await nextEvent('disconnected', leaving.connectionId);
    staying.send({ type: 1, target: 'toGroup', arguments: ['g', 'x'] });
    expect(await staying.next()).toEqual({ type: 1, target: 'hear', arguments: ['x'] });
    staying.close();
  });

  test('a hub that refuses in onConnected', async () => {
    const client = await RawCoreClient.open(`${app.url}/signalr/failing`, {}, '', transport);
    client.send('{"protocol":"json","version":1}');
    expect(await client.nextRecord()).toBe('{}');
    expect(await client.nextRecord()).toBe('{"type":7,"error":"Connection closed with an error."}');
    await client.line.ended;
  });

  test('a handshake that is refused', async () => {
    const client = await RawCoreClient.open(hub, {}, '', transport);
    client.send('{"protocol":"xml","version":1}');
    expect(await client.nextRecord()).toBe(`{"error":"The protocol 'xml' is not supported."}`);
    await client.line.ended;
    expect(hubEvents.pending.filter(({ connectionId }) => connectionId === client.connectionId)).toEqual([]);
  });

  test('one call at a time, in order', async () => {
    gates.set('first', deferred());
    const client = await connect();
    await client.next('the welcome');
    client.send({ type: 1, invocationId: 'a', target: 'wait', arguments: ['first'] });
    client.send({ type: 1, invocationId: 'b', target: 'add', arguments: [1, 2] });
    await nextEvent('waiting first');
    gates.get('first')?.resolve();
    expect([(await client.next()).invocationId, (await client.next()).invocationId]).toEqual(['a', 'b']);
    client.close();
  });

  test('the user that a guard has found on the first request stays the user of the connection', async () => {
    const headers = { Authorization: 'Bearer admin' };
    const client = await RawCoreClient.connect(`${app.url}/signalr/guarded`, headers, '', transport);
    expect((await client.invoke('me')).result).toEqual({ user: { id: 'admin' }, id: 'admin' });
    client.close();
  });

  test('when the application closes, clients are told to come back', async () => {
    const own = await startApp({ platform, hubs: [PlainHub] });
    const client = await RawCoreClient.connect(`${own.url}/signalr/h`, {}, '', transport);
    await client.next('the welcome');
    const closed = own.close();
    expect(await client.nextRecord()).toBe('{"type":7,"allowReconnect":true}');
    await client.line.ended;
    await nextEvent('disconnected', client.connectionId);
    await closed;
    expect(own.logged).toEqual([]);
  });
});
