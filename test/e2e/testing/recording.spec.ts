import { Injectable } from '@nestjs/common';
import { afterEach, describe, expect, test } from 'vitest';
import {
  Hub,
  HubContextRegistry,
  HubMethod,
  type IHubContext,
  InjectHubContext,
  SignalRHub,
} from 'nestjs-signalr';
import { createTestClient, FakeClock, FaultyBackplane, RecordingHub } from 'nestjs-signalr/testing';

import { startApp, type TestApp } from '../../support/app.js';

interface StockClient {
  updatePrice(symbol: string, price: number): void;
  confirm(order: string): Promise<boolean>;
}

@Hub('stocks')
class StockHub extends SignalRHub<StockClient> {
  readonly #secret = 42;

  @HubMethod()
  async watch(symbol: string): Promise<string> {
    await this.groups.add(this.context.connectionId, symbol);
    await this.clients.caller.updatePrice(symbol, this.#secret);
    await this.clients.others.updatePrice('watched', 1);
    return `${String(this.context.userIdentifier)} ${String(this.clients.callerState.theme)} ${this.context.queryString.get('app')}`;
  }
}

@Injectable()
class Ticker {
  constructor(@InjectHubContext(StockHub) private readonly stocks: IHubContext<StockHub>) {}

  async tick(symbol: string, price: number): Promise<void> {
    await this.stocks.clients.group(symbol, 'c9').updatePrice(symbol, price);
    await this.stocks.clients.user('ann').updatePrice(symbol, price);
    await this.stocks.clients.all.updatePrice(symbol, price);
  }

  order(connectionId: string): Promise<boolean> {
    return this.stocks.clients.client(connectionId).invoke('confirm', 'o1');
  }
}

describe('recording hubs', () => {
  test('a service is tested without an application', async () => {
    const hub = new RecordingHub(StockHub);
    await new Ticker(hub.context).tick('MSFT', 1.5);
    expect(hub.sent).toEqual([
      { to: { kind: 'group', name: 'MSFT' }, method: 'updatePrice', args: ['MSFT', 1.5], excluded: ['c9'] },
      { to: { kind: 'user', name: 'ann' }, method: 'updatePrice', args: ['MSFT', 1.5], excluded: [] },
      { to: { kind: 'all', name: undefined }, method: 'updatePrice', args: ['MSFT', 1.5], excluded: [] },
    ]);
  });

  test('clients answer what they are told to answer', async () => {
    const hub = new RecordingHub(StockHub).answer('c1', 'confirm', true);
    expect(await new Ticker(hub.context).order('c1')).toBe(true);
    await expect(new Ticker(hub.context).order('c2')).rejects.toMatchObject({
      code: 'SIGNALR_CONNECTION_UNKNOWN',
    });
    expect(hub.sent).toMatchObject([{ to: { kind: 'connection', name: 'c1' }, method: 'confirm' }]);
  });

  test('a hub object is called without an application', async () => {
    const recording = new RecordingHub(StockHub);
    const hub = recording.call(new StockHub(), {
      connectionId: 'c1',
      user: { sub: 'ann' },
      query: { app: 'web' },
      state: { theme: 'dark' },
    });
    expect(await hub.watch('MSFT')).toBe('ann dark web');
    expect(recording.groupChanges).toEqual(['add c1 MSFT']);
    expect(recording.sent).toEqual([
      { to: { kind: 'connection', name: 'c1' }, method: 'updatePrice', args: ['MSFT', 42], excluded: [] },
      { to: { kind: 'all', name: undefined }, method: 'updatePrice', args: ['watched', 1], excluded: ['c1'] },
    ]);
  });
});

describe('a backplane with switches', () => {
  let app: TestApp;
  afterEach(() => app.close());

  test('fails, waits, goes deaf and recovers', async () => {
    const backplane = new FaultyBackplane();
    app = await startApp({ hubs: [StockHub], signalr: { backplane } });
    const hub = app.app.get(HubContextRegistry).get(StockHub);
    const client = await createTestClient(app.app, StockHub);
    const prices = (): unknown[] => client.received.map(({ args }) => args[1]);
    await client.invoke('watch', 'MSFT');
    await hub.clients.all.updatePrice('MSFT', 1);
    backplane.line = 'down';
    await expect(hub.clients.all.updatePrice('MSFT', 2)).rejects.toBe(backplane.error);
    await expect(hub.groups.add(client.connectionId, 'g')).rejects.toBe(backplane.error);
    expect(await backplane.health()).toMatchObject({ status: 'degraded' });
    backplane.line = 'stuck';
    const waiting = hub.clients.all.updatePrice('MSFT', 3);
    backplane.line = 'up';
    await waiting;
    backplane.deaf = true;
    await hub.clients.all.updatePrice('MSFT', 4);
    backplane.deaf = false;
    await hub.clients.all.updatePrice('MSFT', 5);
    await client.waitFor('updatePrice', (_symbol: string, price: number) => price === 5);
    expect(prices()).toEqual([42, 1, 3, 5]);
    expect([backplane.line, backplane.name]).toEqual(['up', 'faulty memory']);
    await client.close();
    app.logged.length = 0;
  });

  test('time is in the hands of the test', async () => {
    const clock = new FakeClock();
    app = await startApp({ hubs: [StockHub], signalr: { clock, clientResultTimeout: 1_000 } });
    const hub = app.app.get(HubContextRegistry).get(StockHub);
    const client = await createTestClient(app.app, StockHub);
    client.on('confirm', () => new Promise<boolean>(() => {}));
    const asked = hub.clients.client(client.connectionId).invoke('confirm', 'o1');
    const outcome = asked.catch((error: unknown) => error);
    await client.waitFor('confirm');
    await clock.advance(1_000);
    expect(await outcome).toMatchObject({ code: 'SIGNALR_CLIENT_SILENT' });
    await client.close();
  });
});
