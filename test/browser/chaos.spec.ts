/// <reference lib="dom" />
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';

import { Controller, Get, Header, HttpCode } from '@nestjs/common';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getHubContextToken, Hub, type IHubContext, MemoryBackplane, SignalRHub } from 'nestjs-signalr';

import { FaultyProxy } from '../chaos/faulty-proxy.mjs';
import { seededRandom } from '../chaos/random.mjs';
import { startApp, type TestApp } from '../support/app.js';
import { launchChromium, openPage } from '../support/browser.js';
import { missing } from '../support/requirements.js';

const files = createRequire(import.meta.url);
const library = (path: string): string => `<script>${readFileSync(files.resolve(path), 'utf8')}</script>`;

@Controller()
class PageController {
  @Get('page')
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(): string {
    return `<!doctype html><title>chaos</title>
${library('jquery/dist/jquery.min.js')}
${library('signalr/jquery.signalR.min.js')}
<script src="/signalr/hubs"></script>`;
  }

  @Get('favicon.ico')
  @HttpCode(204)
  icon(): void {}
}

@Hub()
class CountHub extends SignalRHub {}

interface ClassicPage {
  numbers: number[];
  $: {
    signalR: { transports: Record<string, { reconnectDelay: number }> };
    connection: {
      hub: {
        id: string;
        reconnectDelay: number;
        start(options: object): Promise<unknown>;
        stop(): void;
      };
      countHub: { client: Record<string, unknown> };
    };
  };
}

/** `CHAOS_SEED=n` repeats the chance of a run. */
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1_000_000));

/** The client waits before it comes back, so faults may not follow each other as fast as for our own. */
const PAUSE = { low: 150, high: 500 };
const DURATION = 6_000;

describe.skipIf(missing('chromium'))(`jquery.signalR over lines that break (CHAOS_SEED=${seed})`, () => {
  let browser: Browser;
  let app: TestApp;

  beforeAll(async () => {
    [browser, app] = await Promise.all([
      launchChromium(),
      startApp({
        hubs: [CountHub],
        controllers: [PageController],
        signalr: {
          backplane: new MemoryBackplane({ bufferSize: 100_000 }),
          // Keep-alives are frequent, so that a line that stands still is noticed; it may be long until it is mended.
          classic: { disconnectTimeout: 60_000, keepAlive: 2_000 },
        },
      }),
    ]);
  });

  afterAll(async () => {
    await browser?.close();
    await app?.close();
    expect(app.logged).toEqual([]);
  });

  test.each(['webSockets', 'serverSentEvents', 'longPolling'])(
    'each number arrives once and in order over %s',
    async (transport) => {
      const proxy = new FaultyProxy(Number(new URL(app.url).port), seededRandom(seed));
      const port = await proxy.listen();
      const page = await openPage(browser, [], `http://127.0.0.1:${port}/page`);
      const id = await page.evaluate(async (name) => {
        const view = window as unknown as ClassicPage;
        const { hub, countHub } = view.$.connection;
        view.numbers = [];
        hub.reconnectDelay = 50;
        view.$.signalR.transports['longPolling']!.reconnectDelay = 50;
        countHub.client['take'] = (number: number) => view.numbers.push(number);
        await hub.start({ transport: name });
        return hub.id;
      }, transport);
      const { clients } = app.app.get<IHubContext<CountHub>>(getHubContextToken(CountHub), { strict: false });

      proxy.startFaults(PAUSE);
      const end = performance.now() + DURATION;
      let sent = 0;
      while (performance.now() < end) {
        await (sent % 3 === 0 ? clients.all : clients.client(id)).take(sent++);
        await delay(4);
      }
      proxy.stopFaults();

      const numbers = (): Promise<number[]> =>
        page.evaluate(() => (window as unknown as ClassicPage).numbers);
      await expect
        .poll(async () => (await numbers()).length, { timeout: 20_000 })
        .toBeGreaterThanOrEqual(sent);
      expect(await numbers()).toEqual(Array.from({ length: sent }, (_, number) => number));
      // Lines did break, though a browser repeats some requests without a word to the client.
      const breaks = ['cut', 'reset', 'tear', 'halfClose'].map((fault) => proxy.faults[fault] ?? 0);
      expect(breaks.reduce((sum, count) => sum + count)).toBeGreaterThan(2);
      await page.evaluate(() => (window as unknown as ClassicPage).$.connection.hub.stop());
      await page.close();
      await proxy.close();
    },
  );
});
