import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hub, SignalRHub } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { type ClassicFrame, type ClassicOptions, RawClassicClient } from '../../support/classic-client.js';
import {
  type ClassicTransportName,
  classicTransports,
  TransportClient,
} from '../../support/classic-transports.js';
import { FakeClock } from '../../support/fake-clock.js';
import { http } from '../../support/http.js';
import { HttpStream } from '../../support/http-stream.js';
import { deferred, type Deferred } from '../../support/inbox.js';
import { ChatHub, hubEvents, nextEvent } from '../classic/hubs.js';

let gate: Deferred;

/** Lets nobody in before the gate opens. */
@Hub()
class GateHub extends SignalRHub {
  override async onConnected(): Promise<void> {
    hubEvents.put({ event: 'at the gate', connectionId: this.context.connectionId });
    await gate.promise;
    hubEvents.put({ event: 'through the gate', connectionId: this.context.connectionId });
  }
}

const pairs = classicTransports.flatMap((from) =>
  classicTransports.filter((to) => to !== from).map((to) => [from, to] as const),
);

describe.each(platforms)('classic fallback on %s', (platform) => {
  let app: TestApp;
  let base: string;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [ChatHub, GateHub], signalr: { clock: new FakeClock() } });
    base = `${app.url}/signalr`;
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  const negotiate = (hub: string, options: ClassicOptions = {}): Promise<RawClassicClient> =>
    RawClassicClient.negotiate(base, { hubs: [hub], ...options });

  /** Connects over a line that is not looked after; resolves with what it brought when the server has ended it. */
  async function openLine(
    client: RawClassicClient,
    transport: ClassicTransportName,
  ): Promise<{ ended: Promise<string> }> {
    if (transport === 'webSockets') {
      await client.openSocket('connect');
      return { ended: client.socket.closed.then(({ code }) => `${code}`) };
    }
    const url = (operation: string, extra: string): string =>
      `${base}/${operation}?${client.query(extra).replace('webSockets', transport)}`;
    if (transport !== 'longPolling') {
      return HttpStream.open('GET', url('connect', 'frameId=1'));
    }
    const { C = '' } = JSON.parse((await http('GET', url('connect', ''))).body) as ClassicFrame;
    return HttpStream.open('GET', url('poll', `messageId=${encodeURIComponent(C)}`));
  }

  const waiting = (event: string, { connectionId }: { connectionId: string }): number =>
    hubEvents.pending.filter((one) => one.event === event && one.connectionId === connectionId).length;

  test.each(pairs)('from %s to %s with the same token', async (from, to) => {
    const raw = await negotiate('ChatHub');
    const { ended } = await openLine(raw, from);
    const client = new TransportClient(raw, to);
    await client.connect();
    expect(await ended).toMatch(
      { webSockets: /^1000$/, longPolling: /^\{"C":"[^"]+","M":\[\]\}$/ }[from as string] ??
        /"S":1,"M":\[\]\}/,
    );
    await raw.request('start');
    expect(await client.nextTexts(1)).toEqual(['in']);
    await client.invoke('ChatHub', 'broadcast', 'once');
    await client.invoke('ChatHub', 'broadcast', 'twice');
    expect(await client.nextTexts(2)).toEqual(['once', 'twice']);
    expect(await nextEvent('connected', raw.connectionId)).toMatchObject({ detail: to });
    await client.end();
    expect(await nextEvent('disconnected', raw.connectionId)).toMatchObject({ detail: true });
    expect(waiting('connected', raw)).toBe(0);
  });

  test.each(pairs.filter(([from]) => from !== 'longPolling'))(
    'an old client that goes on from %s to %s is announced once, and waits for that',
    async (from, to) => {
      gate = deferred();
      const raw = await negotiate('GateHub', { clientProtocol: '1.3' });
      const { ended } = await openLine(raw, from);
      await nextEvent('at the gate', raw.connectionId);
      const client = new TransportClient(raw, to);
      const connected = client.connect();
      await ended;
      expect(waiting('through the gate', raw)).toBe(0);
      gate.resolve();
      await connected;
      expect(waiting('through the gate', raw)).toBe(1);
      await client.end();
      expect(waiting('at the gate', raw)).toBe(0);
    },
  );
});
