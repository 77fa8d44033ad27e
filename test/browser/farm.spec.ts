/// <reference lib="dom" />
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { Controller, Get, Header, HttpCode } from '@nestjs/common';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';

import { platforms } from '../support/app.js';
import { launchChromium, openPage } from '../support/browser.js';
import { Farm } from '../support/farm.js';
import { Inbox } from '../support/inbox.js';
import { missing } from '../support/requirements.js';

const files = createRequire(import.meta.url);
const library = (path: string): string => `<script>${readFileSync(files.resolve(path), 'utf8')}</script>`;

const PAGE = `<!doctype html><title>farm</title>
${library('jquery/dist/jquery.min.js')}
${library('signalr/jquery.signalR.min.js')}
<script src="/signalr/hubs"></script>`;

@Controller()
class PageController {
  @Get('page')
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(): string {
    return PAGE;
  }

  @Get('favicon.ico')
  @HttpCode(204)
  icon(): void {}
}

const events = new Inbox<string>();

@Hub('farm')
class FarmHub extends SignalRHub {
  override onConnected(): void {
    events.put('connected');
  }

  override onReconnected(): void {
    events.put('reconnected');
  }

  override onDisconnected(stopCalled: boolean): void {
    events.put(`disconnected ${stopCalled}`);
  }

  @HubMethod()
  echo(value: unknown): unknown {
    return value;
  }

  @HubMethod()
  async join(group: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
  }
}

/** What the page has of jquery.signalR. */
interface ClassicPage {
  heard: string[];
  EventSource: unknown;
  $: {
    signalR: { transports: Record<string, { reconnectDelay: number }> };
    connection: {
      hub: { reconnectDelay: number; start(options: object): Promise<unknown>; stop(): void };
      farm: {
        client: Record<string, unknown>;
        server: Record<string, (...args: unknown[]) => Promise<unknown>>;
      };
    };
  };
}

const transports = ['webSockets', 'serverSentEvents', 'foreverFrame', 'longPolling'];

describe.skipIf(missing('chromium'))('jquery.signalR in Chromium', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser.close());

  describe.each(platforms)('and three servers on %s without sticky sessions', (platform) => {
    let farm: Farm;
    let context: BrowserContext;
    let page: Page;
    let complaints: string[];

    beforeEach(async () => {
      complaints = [];
      events.clear();
      farm = await Farm.start(3, { platform, hubs: [FarmHub], controllers: [PageController] });
      context = await browser.newContext();
    });

    afterEach(async () => {
      await context.close();
      await farm.close();
      expect(farm.logged).toEqual([]);
      // The browser itself reports broken lines.
      expect(complaints.filter((line) => !/ERR_|WebSocket/.test(line))).toEqual([]);
    });

    async function connect(transport: string): Promise<void> {
      if (transport === 'foreverFrame') {
        // It refuses browsers that know event streams.
        await context.addInitScript(() => {
          delete (window as unknown as Partial<ClassicPage>).EventSource;
        });
      }
      page = await openPage(context, complaints, `${farm.url}/page`);
      await page.evaluate(async (name) => {
        const view = window as unknown as ClassicPage;
        const { $ } = view;
        view.heard = [];
        $.connection.hub.reconnectDelay = 10;
        $.signalR.transports['longPolling']!.reconnectDelay = 10;
        $.connection.farm.client['hear'] = (text: string) => view.heard.push(text);
        await $.connection.hub.start({ transport: name });
      }, transport);
      expect(await events.next('the greeting')).toBe('connected');
    }

    const call = (method: string, value: unknown): Promise<unknown> =>
      page.evaluate(
        ([name, argument]) =>
          (window as unknown as ClassicPage).$.connection.farm.server[name as string]?.(argument),
        [method, value] as const,
      );

    const heard = (count: number): Promise<unknown> =>
      page
        .waitForFunction((wanted) => (window as unknown as ClassicPage).heard.length >= wanted, count)
        .then(() => page.evaluate(() => (window as unknown as ClassicPage).heard));

    async function stop(): Promise<void> {
      await page.evaluate(() => (window as unknown as ClassicPage).$.connection.hub.stop());
      expect(await events.next('the goodbye')).toBe('disconnected true');
    }

    test.each(transports)('%s: calls, is called, and says goodbye', async (transport) => {
      await connect(transport);
      for (const value of [1, 'two', { three: [3] }, 4, 5]) {
        expect(await call('echo', value)).toEqual(value);
      }
      await call('join', 'room');
      for (const server of [0, 1, 2]) {
        await farm.hub(FarmHub, server).clients.group('room').hear(`group ${server}`);
        await farm.hub(FarmHub, server).clients.all.hear(`all ${server}`);
      }
      const texts = [0, 1, 2].flatMap((server) => [`group ${server}`, `all ${server}`]);
      expect(await heard(6)).toEqual(texts);
      await stop();
    });

    // Chromium does not tell a page that a frame of it broke off, as Internet Explorer does.
    const reconnecting = transports.filter((transport) => transport !== 'foreverFrame');

    test.each(reconnecting)('%s: comes back to other servers and misses nothing', async (transport) => {
      await connect(transport);
      await call('join', 'room');
      const texts: string[] = [];
      for (let round = 0; round < 4; round++) {
        const before = `before ${round}`;
        await farm.hub(FarmHub, 1).clients.group('room').hear(before);
        texts.push(before);
        expect(await heard(texts.length)).toEqual(texts);
        const requests = farm.proxy.served.length;
        farm.proxy.breakAll();
        for (const server of [0, 1, 2]) {
          const text = `missed ${round} ${server}`;
          await farm.hub(FarmHub, server).clients.group('room').hear(text);
          texts.push(text);
        }
        expect(await heard(texts.length)).toEqual(texts);
        expect(farm.proxy.served.length).toBeGreaterThan(requests);
      }
      await page.waitForFunction(
        () =>
          (window as unknown as { $: { connection: { hub: { state: number } } } }).$.connection.hub.state ===
          1,
      );
      expect(await call('echo', 'still here')).toBe('still here');
      await page.evaluate(() => (window as unknown as ClassicPage).$.connection.hub.stop());
      expect(await events.nextWhere('the goodbye', (event) => event !== 'reconnected')).toBe(
        'disconnected true',
      );
    });
  });
});
