import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { type ClassicOptions, RawClassicClient } from '../../support/classic-client.js';
import {
  type ClassicTransportName,
  classicTransports,
  TransportClient,
} from '../../support/classic-transports.js';
import { FakeClock } from '../../support/fake-clock.js';
import { http, type RawAnswer } from '../../support/http.js';
import { LineBreaker } from '../../support/line-breaker.js';
import { ChatHub, hubEvents, nextEvent } from '../classic/hubs.js';

/** Fails whoever connects or comes back. */
@Hub()
class MoodyHub extends SignalRHub {
  override onConnected(): void {
    throw new Error('not today');
  }

  override onReconnected(): void {
    throw new Error('not again');
  }
}

/** Reports which transport it is asked over. */
@Hub()
class CarrierHub extends SignalRHub {
  @HubMethod()
  async carrier(): Promise<void> {
    await this.clients.caller.hear(this.context.transport);
  }
}

const urlOf = (client: RawClassicClient, transport: string, operation: string, extra = ''): string =>
  `${client.url}/${operation}?${client.query(extra).replace('webSockets', transport)}`;

/** What a receive request has brought when the server breaks it off at once. */
const PROLOGUE: Record<ClassicTransportName, RegExp> = {
  webSockets: /^1006$/,
  serverSentEvents: /^200 data: initialized\n\n$/,
  foreverFrame: /^200 <!DOCTYPE html>[^]*<body>\r\n$/,
  longPolling: /^200 $/,
};

async function broughtBy(
  client: RawClassicClient,
  transport: ClassicTransportName,
  operation: string,
): Promise<string> {
  if (transport === 'webSockets') {
    await client.openSocket(operation as 'connect');
    return `${(await client.socket.closed).code}`;
  }
  const { status, body } = await http('GET', urlOf(client, transport, operation, 'frameId=1'));
  return `${status} ${body}`;
}

const disconnects = (connectionId: string): number =>
  hubEvents.pending.filter((one) => one.event === 'disconnected' && one.connectionId === connectionId).length;

describe.each(platforms)('classic connections on %s', (platform) => {
  const clock = new FakeClock();
  const hubs = [ChatHub, MoodyHub, CarrierHub];
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp({ platform, hubs, signalr: { clock } });
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged.filter((line) => !/not (today|again)/.test(line))).toEqual([]);
  });

  const negotiate = (options: ClassicOptions = {}, { url }: TestApp = app): Promise<RawClassicClient> =>
    RawClassicClient.negotiate(`${url}/signalr`, { hubs: ['ChatHub', 'CarrierHub'], ...options });

  async function connect(transport: ClassicTransportName, at?: TestApp): Promise<TransportClient> {
    const client = new TransportClient(await negotiate({}, at), transport);
    await client.connect();
    return client;
  }

  describe.each(classicTransports)('over %s', (transport) => {
    test('[classic 129] [classic 130] two aborts end the line, and the connection once', async () => {
      const client = await connect(transport);
      const ended = client.end();
      expect(await nextEvent('disconnected', client.connectionId)).toMatchObject({ detail: true });
      await ended;
      const abort = (): Promise<RawAnswer> => http('POST', urlOf(client.client, transport, 'abort'));
      for (const answer of [await abort(), await abort()]) {
        expect([answer.status, answer.headers['content-type'], answer.body]).toEqual([200, 'text/plain', '']);
      }
      expect(disconnects(client.connectionId)).toBe(0);
    });

    test('a server that closes ends the line', async () => {
      const own = await startApp({ platform, hubs, signalr: { clock } });
      const ownLines = new LineBreaker(own);
      const client = await connect(transport, own);
      await vi.waitUntil(() => transport !== 'longPolling' || ownLines.holds('/poll?'));
      await own.close();
      await client.lineEnded();
      expect(await nextEvent('disconnected', client.connectionId)).toMatchObject({ detail: false });
      expect(disconnects(client.connectionId)).toBe(0);
      expect(own.logged).toEqual([]);
    });

    test('hubs are told what carries the connection', async () => {
      const client = await connect(transport);
      await client.invoke('CarrierHub', 'carrier');
      expect(await client.nextTexts(1)).toEqual([transport]);
      await client.end();
    });

    test.each(['connect', 'reconnect'])('a hub that fails on %s ends what has begun', async (operation) => {
      const client = await negotiate({ hubs: ['MoodyHub'], clientProtocol: '1.3' });
      expect(await broughtBy(client, transport, operation)).toMatch(PROLOGUE[transport]);
      await http('POST', urlOf(client, transport, 'abort'));
    });
  });

  test.each(['serverSentEvents', 'foreverFrame', 'longPolling'])(
    'a send over %s needs a token, and no line',
    async (transport) => {
      const client = await negotiate();
      const data = encodeURIComponent('{"H":"chathub","M":"echo","A":["alone"],"I":1}');
      const answer = await http('POST', urlOf(client, transport, 'send'), { body: `data=${data}` });
      expect([answer.status, answer.body]).toEqual([200, '{"R":"alone","I":"1"}']);
    },
  );

  test.each([
    ['[classic 84] over webSockets', 'webSockets', 34_000, 40_000],
    ['[classic 99] over serverSentEvents', 'serverSentEvents', 34_000, 40_000],
    ['over foreverFrame', 'foreverFrame', 34_000, 40_000],
    ['[classic 120] over longPolling, with a delay,', 'longPolling', 36_000, 43_000],
  ] as const)('%s silence is a disconnect when time is up', async (_, transport, present, gone) => {
    const own = await startApp({ platform, hubs, signalr: { clock, classic: { longPollDelay: 8_000 } } });
    const ownLines = new LineBreaker(own);
    const client = await connect(transport, own);
    await vi.waitUntil(() => transport !== 'longPolling' || ownLines.holds('/poll?'));
    ownLines.breakAll();
    await client.drop();
    await clock.advance(present);
    expect(disconnects(client.connectionId)).toBe(0);
    await clock.advance(gone - present);
    expect(await nextEvent('disconnected', client.connectionId)).toMatchObject({ detail: false });
    await own.close();
    expect(own.logged).toEqual([]);
  });
});
