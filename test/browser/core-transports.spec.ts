/// <reference lib="dom" />
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { Controller, Get, Header, HttpException } from '@nestjs/common';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../support/app.js';
import { launchChromium, openPage } from '../support/browser.js';
import { coreTransports, type CoreTransportName } from '../support/core-lines.js';
import { LineBreaker } from '../support/line-breaker.js';
import { missing } from '../support/requirements.js';
import { departures, TalkHub } from '../support/talk-hub.js';

const library = readFileSync(
  createRequire(import.meta.url).resolve('@microsoft/signalr/dist/browser/signalr.min.js'),
  'utf8',
);

@Controller()
class PageController {
  @Get('page')
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(): string {
    return `<!doctype html><title>transports</title><script>${library}</script>`;
  }

  @Get('favicon.ico')
  icon(): never {
    throw new HttpException('', 204);
  }
}

/** What the page keeps between two steps of a test. */
interface CorePage {
  signalR: typeof import('@microsoft/signalr');
  connection: import('@microsoft/signalr').HubConnection;
  heard: unknown[][];
}

describe.skipIf(missing('chromium'))('@microsoft/signalr in Chromium', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser.close());

  describe.each(platforms)('on %s', (platform) => {
    let app: TestApp;
    let page: Page;
    let complaints: string[];

    beforeEach(async () => {
      app = await startApp({ platform, hubs: [TalkHub], controllers: [PageController] });
      complaints = [];
      page = await openPage(browser, complaints, `${app.url}/page`);
    });

    afterEach(async () => {
      await page.close();
      await app.close();
      expect(app.logged).toEqual([]);
    });

    /** Starts the client and gives its connection id. */
    const start = (transport?: CoreTransportName): Promise<string | null> =>
      page.evaluate(async (name) => {
        const own = window as unknown as CorePage;
        const { HubConnectionBuilder, HttpTransportType, LogLevel } = own.signalR;
        own.connection = new HubConnectionBuilder()
          .withUrl('/signalr/talkHub', name === undefined ? {} : { transport: HttpTransportType[name] })
          .withAutomaticReconnect(Array.from({ length: 100 }, () => 20))
          .configureLogging(LogLevel.None)
          .build();
        own.heard = [];
        own.connection.on('hear', (...args: unknown[]) => own.heard.push(args));
        await own.connection.start();
        return own.connection.connectionId;
      }, transport);

    const add = (): Promise<number> =>
      page.evaluate(() => (window as unknown as CorePage).connection.invoke<number>('add', 2, 3));

    const stop = (): Promise<void> => page.evaluate(() => (window as unknown as CorePage).connection.stop());

    describe.each(coreTransports)('over %s', (transport) => {
      test('calls, is called, and says goodbye', async () => {
        const id = await start(transport);
        expect(await add()).toBe(5);
        const heard = await page.evaluate(async () => {
          const own = window as unknown as CorePage;
          await own.connection.invoke('joinAndTell', 'room', 'hi');
          return own.heard;
        });
        expect(heard).toEqual([
          ['all', 'hi'],
          ['caller', 'hi'],
          ['group', 'hi'],
        ]);
        await stop();
        const { stopCalled } = await departures.nextWhere('the goodbye', (end) => end.id === id);
        expect(stopCalled).toBe(true);
        expect(complaints).toEqual([]);
      });

      test('[core 180] is told when the server closes, and comes back to the next one', async () => {
        const before = await start(transport);
        const leaving = page.evaluate(
          () =>
            new Promise((resolve) =>
              (window as unknown as CorePage).connection.onreconnecting((error) => resolve(error?.message)),
            ),
        );
        // The page has registered its handler once it answers.
        expect(await add()).toBe(5);
        const { port } = new URL(app.url);
        await app.close();
        expect(await leaving).toBeUndefined();
        app = await startApp({
          platform,
          hubs: [TalkHub],
          controllers: [PageController],
          port: Number(port),
        });
        await page.waitForFunction(
          () => (window as unknown as CorePage).connection.state === ('Connected' as never),
        );
        expect(await add()).toBe(5);
        expect(await page.evaluate(() => (window as unknown as CorePage).connection.connectionId)).not.toBe(
          before,
        );
        await stop();
      });
    });

    test('[core 177] falls back from transport to transport', async () => {
      const lines = new LineBreaker(app);
      const polls = lines.count(({ method, url = '' }) => method === 'GET' && url.includes('&_='));
      const streams = lines.count(({ headers }) => headers.accept === 'text/event-stream');
      const negotiations = lines.count(({ url = '' }) => url.includes('/negotiate'));
      lines.refuseUpgrades();
      await start();
      expect(await add()).toBe(5);
      expect([negotiations(), streams(), polls()]).toEqual([2, 1, 0]);
      await stop();
      lines.refuse(({ headers }) => headers.accept === 'text/event-stream');
      await start();
      expect(await add()).toBe(5);
      expect(negotiations()).toBe(5);
      expect(polls()).toBeGreaterThan(1);
      await stop();
    });
  });
});
