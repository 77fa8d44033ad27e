import { HttpTransportType, HubConnectionBuilder, LogLevel } from '@microsoft/signalr';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Hub, HubMethod, type IHubContext, SignalRHub, HubContextRegistry } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import type { CoreFrame } from '../../support/core-client.js';
import { FakeClock } from '../../support/fake-clock.js';
import { http } from '../../support/http.js';
import { Inbox } from '../../support/inbox.js';
import { LineBreaker } from '../../support/line-breaker.js';
import { StatefulClient } from '../../support/stateful-client.js';

const events = new Inbox<string>();

@Hub('stateful')
class StatefulHub extends SignalRHub {
  override onConnected(): void {
    events.put('connected');
  }

  override onDisconnected(stopCalled: boolean, error?: Error): void {
    events.put(`disconnected ${stopCalled} ${error?.message ?? ''}`.trim());
  }

  @HubMethod()
  echo(value: unknown): unknown {
    events.put(`echo ${String(value)}`);
    return value;
  }

  @HubMethod()
  async tell(text: string): Promise<void> {
    await this.clients.caller.hear(text);
  }

  @HubMethod()
  stop(): void {
    this.context.abort();
  }

  @HubMethod()
  where(): string {
    return this.context.url;
  }
}

const echo = (id: string): CoreFrame => ({ type: 1, invocationId: id, target: 'echo', arguments: [id] });
const completion = (id: string): string => `{"type":3,"invocationId":"${id}","result":"${id}"}`;

async function connect(app: TestApp, version = 2): Promise<StatefulClient> {
  const client = await StatefulClient.connect(`${app.url}/signalr/stateful`, version);
  await events.nextWhere('the greeting', (event) => event === 'connected');
  return client;
}

describe.each(platforms)('stateful reconnect on %s', (platform) => {
  const clock = new FakeClock();
  let app: TestApp;
  let client: StatefulClient;
  let hub: IHubContext<StatefulHub>;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [StatefulHub],
      signalr: { clock, core: { allowStatefulReconnects: true, enableDetailedErrors: true } },
    });
    hub = app.app.get(HubContextRegistry).get(StatefulHub);
  });

  beforeEach(async () => {
    events.clear();
    client = await connect(app);
  });

  afterEach(async () => {
    client.socket.close();
    await clock.advance(16_000);
    events.clear();
  });

  afterAll(() => app.close());

  const negotiated = async (query: string): Promise<string> =>
    (await http('POST', `${app.url}/signalr/stateful/negotiate?negotiateVersion=1&${query}`)).body;

  /** Breaks the line and waits until the server knows. */
  async function drop(): Promise<void> {
    client.socket.destroy();
    await client.socket.closed;
    // The server has no other word for it than that nothing can be written.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }

  test('[core 14][core 15] negotiation grants it to those that ask', async () => {
    expect(await negotiated('useStatefulReconnect=true')).toMatch(
      /^\{"useStatefulReconnect":true,"negotiateVersion":1,/,
    );
    expect(await negotiated('USESTATEFULRECONNECT=True')).toContain('"useStatefulReconnect":true');
    expect(await negotiated('useStatefulReconnect=false')).not.toContain('useStatefulReconnect');
    expect(await negotiated('useStatefulReconnect=x')).not.toContain('useStatefulReconnect');
    expect(await negotiated('')).not.toContain('useStatefulReconnect');
  });

  test('[core 164] what was received is acknowledged once a second', async () => {
    client.send(echo('1'), echo('2'));
    expect([await client.record(), await client.record()]).toEqual([completion('1'), completion('2')]);
    await clock.advance(1_000);
    expect(await client.record()).toBe('{"type":8,"sequenceId":2}');
    await clock.advance(3_000);
    client.send(echo('3'));
    expect(await client.record()).toBe(completion('3'));
    await clock.advance(1_000);
    expect(await client.record()).toBe('{"type":8,"sequenceId":3}');
  });

  test('[core 165] version 1 of the protocol turns it off', async () => {
    client.socket.close();
    expect(await events.next('the end')).toBe('disconnected true');
    client = await connect(app, 1);
    client.send(echo('1'));
    expect(await client.record()).toBe(completion('1'));
    await clock.advance(5_000);
    await drop();
    const ended = await events.nextWhere('the end', (event) => event.startsWith('disconnected false'));
    expect(ended).toBe('disconnected false');
    await expect(client.reopen()).rejects.toThrow('404');
  });

  test('a second socket without the feature is one too many', async () => {
    const other = await connect(app, 1);
    await expect(other.reopen()).rejects.toThrow('409');
    other.socket.close();
  });

  test('[core 166][core 175] a client that returns gets what it missed, byte by byte, and the hub is not told', async () => {
    client.send({ type: 6 }, echo('1'));
    expect(await client.record()).toBe(completion('1'));
    client.send({ type: 8, sequenceId: 1 });
    client.send({ type: 1, target: 'tell', arguments: ['seen'] });
    const seen = await client.record();
    await clock.advance(15_000);
    await drop();
    await hub.clients.client(client.connectionId).hear('missed');
    await hub.clients.all.hear('missed too');
    await clock.advance(10_000);
    await client.reopen();
    expect(await client.next()).toEqual({ type: 9, sequenceId: 2 });
    expect(await client.record()).toBe(seen);
    expect(await client.record()).toBe('{"type":1,"target":"hear","arguments":["missed"]}');
    expect(await client.record()).toBe('{"type":1,"target":"hear","arguments":["missed too"]}');
    client.send({ type: 9, sequenceId: 3 }, echo('3'));
    expect(await client.record()).toBe(completion('3'));
    expect(events.pending).toEqual(['echo 1', 'echo 3']);
  });

  test('[core 167] what is sent twice is done once', async () => {
    client.send(echo('1'), echo('2'));
    expect([await client.record(), await client.record()]).toEqual([completion('1'), completion('2')]);
    await drop();
    await client.reopen();
    client.send({ type: 9, sequenceId: 1 }, echo('1'), echo('2'), echo('3'));
    expect(await client.next()).toEqual({ type: 9, sequenceId: 1 });
    expect([await client.record(), await client.record(), await client.record()]).toEqual([
      completion('1'),
      completion('2'),
      completion('3'),
    ]);
    expect(events.pending).toEqual(['echo 1', 'echo 2', 'echo 3']);
  });

  test('a message that was cut off in the middle is taken when it comes again', async () => {
    client.send(echo('1'));
    expect(await client.record()).toBe(completion('1'));
    client.socket.send(JSON.stringify(echo('2')).slice(0, 20));
    await drop();
    await client.reopen();
    client.send({ type: 9, sequenceId: 2 }, echo('2'));
    expect([await client.record(), await client.record(), await client.record()]).toEqual([
      '{"type":9,"sequenceId":1}',
      completion('1'),
      completion('2'),
    ]);
  });

  test('[core 168] numbers that cannot be', async () => {
    await client.reopen();
    expect(await client.next()).toEqual({ type: 9, sequenceId: 1 });
    client.send({ type: 9, sequenceId: 5 });
    expect(await client.next()).toEqual({
      type: 7,
      error: `Connection closed with an error. InvalidDataException: Sequence ID greater than amount of messages we've received.`,
      allowReconnect: true,
    });
    for (const message of [
      { type: 9, sequenceId: 0 },
      { type: 9, sequenceId: -1 },
      { type: 8, sequenceId: 1 },
    ]) {
      events.clear();
      const other = await connect(app);
      other.send(message);
      expect(await other.next()).toMatchObject({ type: 7, allowReconnect: true });
      await other.socket.closed;
    }
  });

  test('[core 169] nothing was missed', async () => {
    client.send(echo('1'));
    expect(await client.record()).toBe(completion('1'));
    client.send({ type: 8, sequenceId: 1 }, echo('2'));
    expect(await client.record()).toBe(completion('2'));
    client.send({ type: 8, sequenceId: 2 }, { type: 1, target: 'echo', arguments: ['handled'] });
    await events.nextWhere('the ack is handled', (event) => event === 'echo handled');
    await drop();
    await client.reopen();
    expect(await client.next()).toEqual({ type: 9, sequenceId: 3 });
  });

  test('[core 170] a client that says goodbye does not come back', async () => {
    client.socket.close(1000);
    expect(await events.next('the end')).toBe('disconnected true');
    await expect(client.reopen()).rejects.toThrow('404');
  });

  test('[core 171] a client that is away for too long has gone', async () => {
    await drop();
    await clock.advance(14_000);
    expect(events.pending).toEqual([]);
    await clock.advance(2_000);
    expect(await events.next('the end')).toBe('disconnected false');
    await expect(client.reopen()).rejects.toThrow('404');
  });

  test('[core 172] what is not acknowledged has a limit, and then messages wait', async () => {
    const text = 'x'.repeat(1_000);
    for (let count = 0; count < 150; count++) {
      void hub.clients.client(client.connectionId).hear(count, text);
    }
    let received = 0;
    for (let bytes = 0; bytes <= 100_000; received++) {
      const record = await client.record();
      bytes += record.length + 1;
      expect((JSON.parse(record) as CoreFrame).arguments).toEqual([received, text]);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(client.socket.frames.pending.length).toBe(0);
    client.send({ type: 8, sequenceId: received });
    for (; received < 150; received++) {
      expect((await client.next()).arguments).toEqual([received, text]);
    }
  });

  test('[core 173] a new socket takes over from one that is still there', async () => {
    const old = client.socket;
    client.send(echo('1'));
    expect(await client.record()).toBe(completion('1'));
    await client.reopen('&again=1');
    expect((await old.closed).code).toBe(1006);
    expect(await client.next()).toEqual({ type: 9, sequenceId: 1 });
    expect(await client.record()).toBe(completion('1'));
    client.send({ type: 9, sequenceId: 2 }, { type: 1, invocationId: 'w', target: 'where', arguments: [] });
    expect((await client.next()).result).toContain('again=1');
    expect(events.pending).toEqual(['echo 1']);
  });

  test('[core 174] a connection that the hub has ended is over', async () => {
    client.send({ type: 1, target: 'stop', arguments: [] });
    expect(await client.next()).toEqual({ type: 7 });
    await client.socket.closed;
    await expect(client.reopen()).rejects.toThrow('404');
  });

  test('a client that is away takes no more than its outbox holds', async () => {
    await drop();
    const text = 'x'.repeat(100_000);
    for (let count = 0; count < 15; count++) {
      void hub.clients.client(client.connectionId).hear(text);
    }
    expect(await events.next('the end')).toBe('disconnected false');
    app.logged.length = 0;
  });

  test('nothing of this was worth an error in the log', () => {
    expect(app.logged).toEqual([]);
  });
});

describe.each(platforms)('the JavaScript client with stateful reconnect on %s', (platform) => {
  test('loses nothing when its line breaks, in either direction', async () => {
    events.clear();
    const app = await startApp({
      platform,
      hubs: [StatefulHub],
      signalr: { core: { allowStatefulReconnects: true } },
    });
    const lines = new LineBreaker(app);
    const connection = new HubConnectionBuilder()
      .withUrl(`${app.url}/signalr/stateful`, { transport: HttpTransportType.WebSockets })
      .withStatefulReconnect()
      .configureLogging(LogLevel.None)
      .build();
    const heard: number[] = [];
    connection.on('hear', (value: number) => heard.push(value));
    await connection.start();
    const id = connection.connectionId;
    const hub = app.app.get(HubContextRegistry).get(StatefulHub);
    const results: unknown[] = [];
    for (let round = 0; round < 5; round++) {
      const calls = [0, 1, 2].map((number) => connection.invoke('echo', round * 3 + number));
      lines.breakAll();
      for (const number of [0, 1, 2]) {
        await hub.clients.all.hear(round * 3 + number);
      }
      results.push(...(await Promise.all(calls)));
    }
    const expected = Array.from({ length: 15 }, (_, number) => number);
    await expect.poll(() => heard).toEqual(expected);
    expect(results).toEqual(expected);
    expect(connection.connectionId).toBe(id);
    await connection.stop();
    await app.close();
    expect(events.pending.filter((event) => event.startsWith('echo'))).toEqual(
      expected.map((number) => `echo ${number}`),
    );
  });
});
