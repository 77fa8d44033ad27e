/// <reference lib="dom" />
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
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
import { LineBreaker } from '../support/line-breaker.js';
import { missing } from '../support/requirements.js';
import { departures, TalkHub } from '../support/talk-hub.js';

const url = '/signalr/talkHub';

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

    const startServer = (port = 0): Promise<TestApp> =>
      startApp({
        platform,
        hubs: [TalkHub],
        controllers: [CorePageController],
        signalr: { hubProtocols: [new MessagePackHubProtocol()] },
        port,
      });

    beforeEach(async () => {
      app = await startServer();
      complaints = [];
      page = await openPage(browser, complaints, `${app.url}/page`);
    });

    afterEach(async () => {
      await page.close();
      await app.close();
      expect(app.logged).toEqual([]);
    });

    const add = (): Promise<number> => invokeInPage(page, 'add', 2, 3);

    describe.each(coreEncodings)('$encoding over $transport', ({ transport, encoding }) => {
      test('calls, is called, and says goodbye', async () => {
        const id = await startInPage(page, { url, transport, encoding });
        expect(await add()).toBe(5);
        await invokeInPage(page, 'joinAndTell', 'room', 'hi');
        expect(await page.evaluate(() => (window as unknown as CorePage).heard)).toEqual([
          ['all', 'hi'],
          ['caller', 'hi'],
          ['group', 'hi'],
        ]);
        await stopInPage(page);
        const { stopCalled } = await departures.nextWhere('the goodbye', (end) => end.id === id);
        expect(stopCalled).toBe(true);
        expect(complaints).toEqual([]);
      });

      test('[core 179] [core 180] is told when the server closes, and comes back to the next one', async () => {
        const before = await startInPage(page, { url, transport, encoding, automaticReconnect: true });
        const leaving = page.evaluate(
          () =>
            new Promise((resolve) =>
              (window as unknown as CorePage).connection.onreconnecting((error) => resolve(error?.message)),
            ),
        );
        // The page has registered its handler once it answers.
        expect(await add()).toBe(5);
        const port = Number(new URL(app.url).port);
        await app.close();
        expect(await leaving).toBeUndefined();
        app = await startServer(port);
        await page.waitForFunction(() => (window as unknown as CorePage).returns.length > 0);
        expect(await add()).toBe(5);
        const returns = await page.evaluate(() => (window as unknown as CorePage).returns);
        expect(returns).toEqual([expect.any(String)]);
        expect(returns).not.toContain(before);
        await stopInPage(page);
      });
    });

    test('[core 177] falls back from transport to transport', async () => {
      const lines = new LineBreaker(app);
      const polls = lines.count(({ method, url: path = '' }) => method === 'GET' && path.includes('&_='));
      const streams = lines.count(({ headers }) => headers.accept === 'text/event-stream');
      const negotiations = lines.count(({ url: path = '' }) => path.includes('/negotiate'));
      lines.refuseUpgrades();
      await startInPage(page, { url });
      expect(await add()).toBe(5);
      expect([negotiations(), streams(), polls()]).toEqual([2, 1, 0]);
      await stopInPage(page);
      lines.refuse(({ headers }) => headers.accept === 'text/event-stream');
      await startInPage(page, { url });
      expect(await add()).toBe(5);
      expect(negotiations()).toBe(5);
      expect(polls()).toBeGreaterThan(1);
      await stopInPage(page);
    });

    test('[core 177] with MessagePack it passes event streams over, which carry no bytes', async () => {
      const lines = new LineBreaker(app);
      const polls = lines.count(({ method, url: path = '' }) => method === 'GET' && path.includes('&_='));
      const streams = lines.count(({ headers }) => headers.accept === 'text/event-stream');
      lines.refuseUpgrades();
      await startInPage(page, { url, encoding: 'messagepack' });
      expect(await add()).toBe(5);
      expect(streams()).toBe(0);
      expect(polls()).toBeGreaterThan(1);
      await stopInPage(page);
    });

    test('with MessagePack over event streams alone it does not start, and says why', async () => {
      const attempt = startInPage(page, { url, transport: 'ServerSentEvents', encoding: 'messagepack' });
      await expect(attempt).rejects.toThrow("'ServerSentEvents' does not support Binary.");
    });
  });
});
