import { afterEach, describe, expect, test, vi } from 'vitest';
import { Hub, HubMethod, SignalRHub, SignalRService } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { TransportClient } from '../../support/classic-transports.js';
import { RawCoreClient } from '../../support/core-client.js';
import { FakeClock } from '../../support/fake-clock.js';
import { http } from '../../support/http.js';
import { deferred, type Deferred, Inbox } from '../../support/inbox.js';

const events = new Inbox<string>();
/** What a running call waits for. */
let work: Deferred = deferred();

@Hub('busy')
class BusyHub extends SignalRHub {
  override onDisconnected(stopCalled: boolean): void {
    events.put(`disconnected ${stopCalled}`);
  }

  @HubMethod()
  async work(): Promise<string> {
    events.put('working');
    await work.promise;
    return 'done';
  }
}

describe.each(platforms)('draining on %s', (platform) => {
  let clock: FakeClock;
  let app: TestApp;
  let service: SignalRService;

  async function start(): Promise<void> {
    clock = new FakeClock();
    work = deferred();
    events.clear();
    app = await startApp({ platform, hubs: [BusyHub], signalr: { clock } });
    service = app.app.get(SignalRService);
  }

  afterEach(async () => {
    work.resolve();
    await app.close();
  });

  const classic = (): Promise<RawClassicClient> =>
    RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['busy'] });

  const core = (): Promise<RawCoreClient> => RawCoreClient.connect(`${app.url}/signalr/busy`);

  test('new clients get 503, those that are there are told to come back, hubs are told', async () => {
    await start();
    const poller = new TransportClient(
      await RawClassicClient.negotiate(`${app.url}/signalr`, { hubs: ['busy'] }),
      'longPolling',
    );
    await poller.connect();
    const [first, second] = [await classic(), await core()];
    expect([service.connectionCount, service.isDraining]).toEqual([3, false]);
    expect(await service.drain()).toBe(true);
    expect([service.connectionCount, service.isDraining]).toEqual([0, true]);
    expect(await second.next('the close')).toEqual({ type: 7, allowReconnect: true });
    await Promise.all([first.socket.closed, second.socket.closed, poller.lineEnded()]);
    for (let count = 0; count < 3; count++) {
      expect(await events.next('a goodbye')).toBe('disconnected false');
    }
    for (const [method, path] of [
      ['GET', '/signalr/negotiate'],
      ['POST', '/signalr/busy/negotiate'],
    ] as const) {
      expect((await http(method, `${app.url}${path}`)).status).toBe(503);
    }
    expect(await service.drain()).toBe(true);
  });

  test.each(['classic', 'core'] as const)(
    'a running call of a %s client is answered first',
    async (family) => {
      await start();
      const call = family === 'classic' ? await classic() : await core();
      const answer = call instanceof RawClassicClient ? call.invoke('busy', 'work') : call.invoke('work');
      expect(await events.next('the start of the call')).toBe('working');
      const drained = service.drain({ deadline: 60_000 });
      work.resolve();
      expect(await answer).toMatchObject(family === 'classic' ? { R: 'done' } : { result: 'done' });
      expect(await drained).toBe(true);
      await call.socket.closed;
    },
  );

  test('a call that never ends holds nothing up beyond the deadline', async () => {
    await start();
    const client = await classic();
    client.socket.send('{"H":"busy","M":"work","A":[],"I":0}');
    await events.next('the start of the call');
    const drained = service.drain({ deadline: 3_000 });
    await clock.advance(2_900);
    expect(service.connectionCount).toBe(1);
    await clock.advance(200);
    expect(await drained).toBe(false);
    expect(await events.next('the goodbye')).toBe('disconnected false');
    await client.socket.closed;
  });

  test('clients go in batches', async () => {
    await start();
    const clients = [await core(), await classic(), await core(), await classic(), await core()];
    const drained = service.drain({ deadline: 60_000, batch: 2, interval: 1_000 });
    for (const left of [3, 1, 0]) {
      await vi.waitFor(() => expect(service.connectionCount).toBe(left));
      await clock.advance(999);
      expect(service.connectionCount).toBe(left);
      await clock.advance(1);
    }
    expect(await drained).toBe(true);
    await Promise.all(clients.map(({ socket }) => socket.closed));
  });
});
