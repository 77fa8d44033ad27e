import { NestFactory } from '@nestjs/core';
import { metrics as globalMetrics } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type BackplaneNode,
  Hub,
  HubContextRegistry,
  type IHubContext,
  MemoryBackplane,
  SignalRHub,
  SignalRModule,
  type SkipReason,
} from 'nestjs-signalr';
import { OpenTelemetryMetrics } from 'nestjs-signalr/telemetry';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import {
  type ClassicTransportName,
  classicTransports,
  TransportClient,
} from '../../support/classic-transports.js';
import { type CoreNegotiation, RawCoreClient, RS } from '../../support/core-client.js';
import { coreTransports } from '../../support/core-lines.js';
import { FakeClock } from '../../support/fake-clock.js';
import { http } from '../../support/http.js';
import { MeasuredValues } from '../../support/metrics.js';
import { RawWebSocket } from '../../support/web-socket.js';

const ACTIVE = 'signalr.server.active_connections';
const DURATION = 'signalr.server.connection.duration';
const LOSSES = 'signalr.server.message_losses';
const SKIPPED = 'signalr.server.skipped_messages';

/** A backplane that has to pass over something when a test wants it. */
class SkippingBackplane extends MemoryBackplane {
  private started: BackplaneNode | undefined;

  override start(node: BackplaneNode): void {
    super.start(node);
    this.started = node;
  }

  skip(reason: SkipReason): void {
    this.started?.skipped?.(reason);
  }
}

/** What ASP.NET Core calls the transports. */
const names: Readonly<Record<string, string>> = {
  WebSockets: 'web_sockets',
  webSockets: 'web_sockets',
  ServerSentEvents: 'server_sent_events',
  serverSentEvents: 'server_sent_events',
  LongPolling: 'long_polling',
  longPolling: 'long_polling',
  foreverFrame: 'forever_frame',
};

@Hub('measured')
class MeasuredHub extends SignalRHub {}

/** A Core client that may replace its socket. */
async function connectStateful(hub: string): Promise<{ id: string; url: string; socket: RawWebSocket }> {
  const answer = await http('POST', `${hub}/negotiate?negotiateVersion=1&useStatefulReconnect=true`);
  const { connectionId, connectionToken } = JSON.parse(answer.body) as CoreNegotiation;
  const url = `${hub.replace('http', 'ws')}?id=${connectionToken}`;
  const socket = await RawWebSocket.open(url);
  socket.send(`{"protocol":"json","version":2}${RS}`);
  expect(await socket.nextText('the handshake')).toBe(`{}${RS}`);
  return { id: connectionId, url, socket };
}

describe.each(platforms)('metrics on %s', (platform) => {
  let clock: FakeClock;
  let values: MeasuredValues;
  let app: TestApp;
  let hub: string;
  let context: IHubContext<MeasuredHub>;

  beforeEach(async () => {
    clock = new FakeClock();
    values = new MeasuredValues();
    app = await startApp({
      platform,
      hubs: [MeasuredHub],
      signalr: {
        clock,
        metrics: new OpenTelemetryMetrics({ meterProvider: values.provider }),
        backplane: new MemoryBackplane({ clock, bufferSize: 50 }),
        outbox: { maxBytes: 10_000_000 },
        core: { allowStatefulReconnects: true },
      },
    });
    hub = `${app.url}/signalr/measured`;
    context = app.app.get(HubContextRegistry).get(MeasuredHub);
  });

  afterEach(async () => {
    await app.close();
    await expectActive({});
  });

  /** Waits until so many connections are active, by transport. */
  async function expectActive(expected: Readonly<Record<string, number>>): Promise<void> {
    const active = async (): Promise<Record<string, number>> =>
      Object.fromEntries(
        (await values.of(ACTIVE))
          .filter(([, value]) => value !== 0)
          .map(([attributes, value]) => [attributes['signalr.transport'], value]),
      );
    await expect.poll(active).toEqual(expected);
  }

  /** Checks that one connection has ended, and how. */
  async function expectEnded(transport: string, status: string): Promise<void> {
    await expectActive({});
    expect(await values.of(DURATION)).toEqual([
      [{ 'signalr.connection.status': status, 'signalr.transport': names[transport] }, 1],
    ]);
  }

  /** Lets time pass until messages have been lost. */
  async function expectLoss(family: string, reason: string): Promise<void> {
    const losses = async (): Promise<unknown> => {
      await clock.advance(1_000);
      return values.of(LOSSES);
    };
    await expect
      .poll(losses, { timeout: 5_000 })
      .toEqual([[{ 'signalr.protocol.family': family, 'signalr.loss.reason': reason }, 1]]);
  }

  describe.each(coreTransports)('of Core clients over %s', (transport) => {
    const connect = (): Promise<RawCoreClient> => RawCoreClient.connect(hub, {}, '', transport);

    test('[core 194] a client that leaves', async () => {
      const [client, other] = [await connect(), await connect()];
      await expectActive({ [names[transport] as string]: 2 });
      await clock.advance(3_000);
      client.send({ type: 7 });
      await client.line.ended;
      await expectActive({ [names[transport] as string]: 1 });
      expect(await values.of(DURATION)).toEqual([
        [{ 'signalr.connection.status': 'normal_closure', 'signalr.transport': names[transport] }, 1],
      ]);
      expect((await values.find(DURATION))?.dataPoints[0]?.value).toMatchObject({ sum: 3, min: 3 });
      client.close();
      other.close();
    });

    test('[core 194] a client that breaks the protocol', async () => {
      const client = await connect();
      client.send('what?');
      await client.line.ended;
      await expectEnded(transport, 'normal_closure');
      client.close();
    });

    test('[core 194] a server that goes away', async () => {
      const client = await connect();
      await app.close();
      await expectEnded(transport, 'app_shutdown');
      client.close();
    });
  });

  test('[core 194] a Core client that does not poll any more', async () => {
    const { connectionToken } = await RawCoreClient.negotiate(hub);
    await http('GET', `${hub}?id=${connectionToken}`);
    await http('POST', `${hub}?id=${connectionToken}`, { body: `{"protocol":"json","version":1}${RS}` });
    await expectActive({ long_polling: 1 });
    await clock.advance(17_000);
    await expectEnded('LongPolling', 'timeout');
  });

  test('[core 194] a Core client that does not replace its socket', async () => {
    const { socket } = await connectStateful(hub);
    socket.destroy();
    const active = async (): Promise<number | undefined> => {
      await clock.advance(1_000);
      return (await values.of(ACTIVE))[0]?.[1];
    };
    await expect.poll(active, { timeout: 5_000 }).toBe(0);
    await expectEnded('WebSockets', 'timeout');
    expect(await values.of(LOSSES)).toEqual([]);
  });

  test('[core 194] a Core client that replaces its socket is one connection', async () => {
    const { url, socket } = await connectStateful(hub);
    const other = await RawWebSocket.open(url);
    await socket.closed;
    await expectActive({ web_sockets: 1 });
    other.send(`{"type":7}${RS}`);
    await other.closed;
    await expectEnded('WebSockets', 'normal_closure');
  });

  test('[core 194] who only negotiates is not counted', async () => {
    await RawCoreClient.negotiate(hub);
    await RawClassicClient.negotiate(`${app.url}/signalr`, { hubs: ['measured'] });
    await clock.advance(60_000);
    expect([await values.of(ACTIVE), await values.of(DURATION)]).toEqual([[], []]);
  });

  test('the instruments are those of ASP.NET Core', async () => {
    const client = await RawCoreClient.connect(hub);
    expect((await values.find(ACTIVE))?.descriptor).toMatchObject({ unit: '{connection}' });
    client.send({ type: 7 });
    await client.line.ended;
    await expectActive({});
    const duration = await values.find(DURATION);
    expect(duration?.descriptor).toMatchObject({ unit: 's' });
    expect(duration?.dataPoints[0]?.value).toMatchObject({
      buckets: { boundaries: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300] },
    });
  });

  const connectClassic = async (transport: ClassicTransportName): Promise<TransportClient> => {
    const negotiated = await RawClassicClient.negotiate(`${app.url}/signalr`, { hubs: ['measured'] });
    const client = new TransportClient(negotiated, transport);
    await client.connect();
    return client;
  };

  describe.each(classicTransports)('of classic clients over %s', (transport) => {
    test('a client that leaves', async () => {
      const client = await connectClassic(transport);
      await expectActive({ [names[transport] as string]: 1 });
      await client.end();
      await expectEnded(transport, 'normal_closure');
    });

    test('a client that comes back, and then does not', async () => {
      const client = await connectClassic(transport);
      await client.drop();
      await client.reconnect();
      await expectActive({ [names[transport] as string]: 1 });
      await client.drop();
      await clock.advance(40_000);
      await expectEnded(transport, 'timeout');
      expect(await values.of(LOSSES)).toEqual([]);
    });

    test('a server that goes away', async () => {
      const client = await connectClassic(transport);
      // A client that polls comes once more, and finds nobody.
      const gone = Promise.allSettled([client.lineEnded()]);
      await app.close();
      await expectEnded(transport, 'app_shutdown');
      await gone;
    });
  });

  test('a classic client that changes its transport counts there', async () => {
    const client = await connectClassic('webSockets');
    await client.drop();
    const moved = new TransportClient(client.client, 'serverSentEvents');
    await moved.connect();
    await expectActive({ server_sent_events: 1 });
    await moved.end();
    await expectEnded('serverSentEvents', 'normal_closure');
  });

  describe('losses', () => {
    test('a Core client is away for too long', async () => {
      const { id, socket } = await connectStateful(hub);
      await context.clients.client(id).hear('not acknowledged');
      await socket.nextText('the message');
      socket.destroy();
      await expectLoss('core', 'away_too_long');
    });

    test('a Core client is away for more than its outbox holds', async () => {
      const { id, socket } = await connectStateful(hub);
      socket.destroy();
      const text = 'x'.repeat(1_000_000);
      for (let count = 0; count < 12; count++) {
        await context.clients.client(id).hear(text);
      }
      await expectLoss('core', 'outbox_full');
      expect(app.logged.splice(0).join()).toContain('does not read');
    });

    test('a Core client does not read', async () => {
      const client = await RawCoreClient.connect(hub);
      client.socket.socket.pause();
      for (let count = 0; count < 9; count++) {
        await context.clients.all.hear('x'.repeat(1_000_000));
      }
      await expectLoss('core', 'send_timeout');
      client.socket.destroy();
    });

    test('a classic client is away for more messages than are kept', async () => {
      const client = await connectClassic('longPolling');
      await client.drop();
      for (let count = 0; count < 60; count++) {
        await context.clients.all.hear(count);
      }
      await client.reconnect();
      await expectLoss('classic', 'log_exceeded');
      expect(app.logged.splice(0).join()).toContain('more messages than are kept');
      await client.end();
    });

    test('a classic client is away for longer than messages are kept', async () => {
      const client = await connectClassic('longPolling');
      await context.clients.all.hear('before');
      expect(await client.nextTexts(1)).toEqual(['before']);
      await client.drop();
      await clock.advance(40_000);
      await context.clients.all.hear('forgotten');
      await clock.advance(120_000);
      await client.reconnect();
      await expectLoss('classic', 'log_exceeded');
      expect(app.logged.splice(0).join()).toContain('or for longer: some may be lost');
      await client.end();
    });

    test('a classic client that was away for so long and missed nothing counts as none', async () => {
      const client = await connectClassic('longPolling');
      await context.clients.all.hear('before');
      expect(await client.nextTexts(1)).toEqual(['before']);
      await client.drop();
      await clock.advance(160_000);
      await client.reconnect();
      await expectActive({ long_polling: 1 });
      await context.clients.all.hear('after');
      expect(await client.nextTexts(1)).toEqual(['after']);
      expect(await values.of(LOSSES)).toEqual([]);
      await client.end();
    });

    test('a classic client comes back with a cursor of another log', async () => {
      const client = await connectClassic('longPolling');
      await client.drop();
      client.cursor = 'd-ANOTHER-1';
      await client.reconnect();
      await expectLoss('classic', 'unknown_cursor');
      await client.end();
    });
  });

  test('nothing of this was worth an error in the log', () => {
    expect(app.logged).toEqual([]);
  });
});

test('the global meter provider may come after the module', async () => {
  const values = new MeasuredValues();
  const app = await startApp({
    hubs: [MeasuredHub],
    signalr: { metrics: new OpenTelemetryMetrics() },
  });
  globalMetrics.setGlobalMeterProvider(values.provider);
  const client = await RawCoreClient.connect(`${app.url}/signalr/measured`);
  expect(await values.of(ACTIVE)).toEqual([[{ 'signalr.transport': 'web_sockets' }, 1]]);
  client.close();
  await app.close();
  globalMetrics.disable();
});

test('what other servers send and nobody can read is counted, also by a process without clients', async () => {
  const values = new MeasuredValues();
  const backplane = new SkippingBackplane();
  const metrics = new OpenTelemetryMetrics({ meterProvider: values.provider });
  const worker = await NestFactory.createApplicationContext(SignalRModule.forRoot({ backplane, metrics }), {
    logger: false,
  });
  backplane.skip('newer_release');
  backplane.skip('newer_release');
  backplane.skip('unreadable');
  expect(await values.of(SKIPPED)).toEqual([
    [{ 'signalr.skip.reason': 'newer_release' }, 2],
    [{ 'signalr.skip.reason': 'unreadable' }, 1],
  ]);
  await worker.close();
});

test('metrics that fail harm nobody', async () => {
  const fail = (): never => {
    throw new Error('no meter');
  };
  const backplane = new SkippingBackplane();
  const app = await startApp({
    hubs: [MeasuredHub],
    signalr: {
      metrics: { opened: fail, moved: fail, closed: fail, lostMessages: fail, skippedMessage: fail },
      backplane,
    },
  });
  const client = await RawCoreClient.connect(`${app.url}/signalr/measured`);
  client.send({ type: 7 });
  expect(await client.nextRecord()).toBe('{"type":7}');
  backplane.skip('unreadable');
  await app.close();
  expect(app.logged).toEqual([
    expect.stringContaining('metrics failed'),
    expect.stringContaining('metrics failed'),
    expect.stringContaining('metrics failed'),
  ]);
});
