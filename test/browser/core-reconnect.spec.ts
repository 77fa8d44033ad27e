/// <reference lib="dom" />
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';
import { MessagePackHubProtocol } from 'nestjs-signalr/msgpack';

import { platforms, startApp, type TestApp } from '../support/app.js';
import { launchChromium, openPage } from '../support/browser.js';
import {
  coreEncodings,
  type CorePage,
  CorePageController,
  invokeInPage,
  startInPage,
  stopInPage,
} from '../support/core-page.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { missing } from '../support/requirements.js';

/** What the hub has been told and has seen. Each file of tests runs in a process of its own. */
const noted: number[] = [];
const connections: string[] = [];

@Hub('count')
class CountHub extends SignalRHub {
  override onConnected(): void {
    connections.push('connected');
  }

  override onDisconnected(): void {
    connections.push('disconnected');
  }

  @HubMethod()
  async note(value: number): Promise<number> {
    noted.push(value);
    await this.clients.caller.hear(value);
    return value;
  }

  @HubMethod()
  async *from(start: number, count: number): AsyncGenerator<number> {
    for (let value = start; value < start + count; value++) {
      yield value;
    }
  }
}

const url = '/signalr/count';

/** Calls of one round; a round has some hundred bytes in each direction. */
const CALLS = 20;

/** Where lines are cut: before the first byte, within one, and between several frames, in both directions. */
const CUTS = [0, 1, 30, 100, 250].flatMap((bytes) => [
  { bytes, direction: 'toServer' as const },
  { bytes, direction: 'toClient' as const },
]);

describe.skipIf(missing('chromium'))('@microsoft/signalr in Chromium behind a proxy that cuts lines', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser.close());

  describe.each(platforms)('on %s', (platform) => {
    let app: TestApp;
    let proxy: CuttingProxy;
    let page: Page;

    beforeEach(async () => {
      app = await startApp({
        platform,
        hubs: [CountHub],
        controllers: [CorePageController],
        signalr: { hubProtocols: [new MessagePackHubProtocol()], core: { allowStatefulReconnects: true } },
      });
      proxy = await CuttingProxy.before(app);
      page = await openPage(browser, [], `${proxy.url}/page`);
      noted.length = 0;
      connections.length = 0;
    });

    afterEach(async () => {
      await page.close();
      await proxy.close();
      await app.close();
      expect(app.logged).toEqual([]);
    });

    test.each(coreEncodings)(
      '[core 179] automatic reconnect, $encoding over $transport',
      async ({ transport, encoding }) => {
        const ids = [await startInPage(page, { url, transport, encoding, automaticReconnect: true })];
        const stateBecomes = (state: string): Promise<unknown> =>
          page.waitForFunction((name) => (window as unknown as CorePage).connection.state === name, state);
        for (let round = 1; round <= 2; round++) {
          expect(await invokeInPage(page, 'note', round)).toBe(round);
          proxy.goDown();
          await stateBecomes('Reconnecting');
          proxy.comeBack();
          await stateBecomes('Connected');
          ids.push(await page.evaluate(() => (window as unknown as CorePage).connection.connectionId));
        }
        expect(await invokeInPage(page, 'note', 3)).toBe(3);
        const { heard, returns } = await page.evaluate(() => {
          const { heard: calls, returns: back } = window as unknown as CorePage;
          return { heard: calls.flat(), returns: back };
        });
        expect(noted).toEqual([1, 2, 3]);
        expect(heard).toEqual([1, 2, 3]);
        expect(returns).toEqual(ids.slice(1));
        expect(new Set(ids).size).toBe(ids.length);
        await stopInPage(page);
      },
    );

    test.each(coreEncodings.filter(({ transport }) => transport === 'WebSockets'))(
      '[core 166] [core 167] stateful reconnect, $encoding: calls, messages and streams arrive once and in order',
      async ({ transport, encoding }) => {
        const id = await startInPage(page, { url, transport, encoding, statefulReconnect: true });
        for (const [round, { bytes, direction }] of CUTS.entries()) {
          proxy.cutAfter(bytes, direction);
          const outcome = await page.evaluate(
            async ([start, count]) => {
              const { connection } = window as unknown as CorePage;
              const items: number[] = [];
              const streamed = new Promise<void>((resolve, reject) => {
                connection.stream<number>('from', start, count).subscribe({
                  next: (item) => items.push(item),
                  complete: resolve,
                  error: reject,
                });
              });
              const calls = Array.from({ length: count }, (_, offset) =>
                connection.invoke<number>('note', start + offset),
              );
              return { results: await Promise.all(calls), items: await streamed.then(() => items) };
            },
            [round * CALLS, CALLS] as const,
          );
          const numbers = Array.from({ length: CALLS }, (_, offset) => round * CALLS + offset);
          expect(outcome).toEqual({ results: numbers, items: numbers });
          expect(proxy.cuts).toBe(round + 1);
        }
        const all = Array.from({ length: CUTS.length * CALLS }, (_, value) => value);
        const { heard, connectionId, returns } = await page.evaluate(() => {
          const { heard: calls, connection, returns: back } = window as unknown as CorePage;
          return { heard: calls.flat(), connectionId: connection.connectionId, returns: back };
        });
        expect(noted).toEqual(all);
        expect(heard).toEqual(all);
        // Neither the page nor the hub has noticed anything.
        expect(connectionId).toBe(id);
        expect(returns).toEqual([]);
        expect(connections).toEqual(['connected']);
        await stopInPage(page);
      },
    );
  });
});
