/// <reference lib="dom" />
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { Controller, Get, Header, HttpCode } from '@nestjs/common';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  getHubContextToken,
  Hub,
  HubException,
  HubMethod,
  type IHubContext,
  SignalRHub,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../support/app.js';
import { launchChromium, openPage } from '../support/browser.js';
import { Inbox } from '../support/inbox.js';
import { LineBreaker } from '../support/line-breaker.js';
import { missing } from '../support/requirements.js';

const files = createRequire(import.meta.url);
const library = (path: string): string => `<script>${readFileSync(files.resolve(path), 'utf8')}</script>`;

const PAGE = `<!doctype html><title>transports</title>
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

const events = new Inbox<{ event: string; id: string; detail?: unknown }>();

@Hub()
class RelayHub extends SignalRHub {
  override async onConnected(): Promise<void> {
    events.put({ event: 'connected', id: this.context.connectionId, detail: this.context.transport });
    await this.clients.caller.hear('welcome');
  }

  override onReconnected(): void {
    events.put({ event: 'reconnected', id: this.context.connectionId, detail: this.context.transport });
  }

  override onDisconnected(stopCalled: boolean): void {
    events.put({ event: 'disconnected', id: this.context.connectionId, detail: stopCalled });
  }

  @HubMethod()
  echo(value: unknown): unknown {
    return value;
  }

  @HubMethod()
  refuse(): never {
    throw new HubException('Name taken', { code: 12 });
  }

  @HubMethod()
  async join(group: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
  }
}

/** What the page has of jquery.signalR. */
interface ClassicPage {
  heard: unknown[];
  complaint: string;
  states: string[];
  EventSource: unknown;
  $: {
    signalR: { transports: Record<string, { reconnectDelay: number }> };
    connection: {
      hub: {
        id: string;
        token: string;
        state: number;
        reconnectDelay: number;
        transport: { name: string };
        start(options?: object): Promise<unknown>;
        stop(): void;
        stateChanged(handler: (change: { newState: number }) => void): void;
        error(handler: (error: Error) => void): void;
      };
      relayHub: {
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

  describe.each(platforms)('on %s', (platform) => {
    let app: TestApp;
    let lines: LineBreaker;
    let context: BrowserContext;
    let page: Page;
    let complaints: string[];
    let relay: IHubContext<RelayHub>;

    async function start(): Promise<void> {
      app = await startApp({ platform, hubs: [RelayHub], controllers: [PageController] });
      lines = new LineBreaker(app);
      relay = app.app.get<IHubContext<RelayHub>>(getHubContextToken(RelayHub), { strict: false });
    }

    async function stop(): Promise<void> {
      await app.close();
      expect(app.logged).toEqual([]);
    }

    /** A page; without `EventSource` for the forever frame, which refuses browsers that have it. */
    async function open(withEventSource = true): Promise<void> {
      context = await browser.newContext();
      if (!withEventSource) {
        await context.addInitScript(() => {
          delete (window as unknown as Partial<ClassicPage>).EventSource;
        });
      }
      page = await openPage(context, complaints, `${app.url}/page`);
    }

    /** Starts a connection and gives its id; without a transport the client looks for one. */
    const connect = (transport = 'auto'): Promise<string> =>
      page.evaluate(async (name) => {
        const { $ } = window as unknown as ClassicPage;
        const heard: unknown[] = ((window as unknown as ClassicPage).heard = []);
        const { hub, relayHub } = $.connection;
        hub.reconnectDelay = 10;
        $.signalR.transports['longPolling']!.reconnectDelay = 10;
        relayHub.client['hear'] = (value: unknown) => heard.push(value);
        await hub.start({ transport: name });
        return hub.id;
      }, transport);

    const heardBy = (count: number): Promise<unknown> =>
      page
        .waitForFunction((wanted) => (window as unknown as ClassicPage).heard.length >= wanted, count)
        .then(() => page.evaluate(() => (window as unknown as ClassicPage).heard));

    const call = (method: string, ...args: unknown[]): Promise<unknown> =>
      page.evaluate(
        async ([name, values]) => {
          const { server } = (window as unknown as ClassicPage).$.connection.relayHub;
          try {
            return await server[name as string]?.(...(values as unknown[]));
          } catch (error) {
            const { message, source, data } = error as { message: string; source: string; data: unknown };
            return { message, source, data };
          }
        },
        [method, args],
      );

    const hubNow = (): Promise<{ transport: string; state: number; token: string }> =>
      page.evaluate(() => {
        const { transport, state, token } = (window as unknown as ClassicPage).$.connection.hub;
        return { transport: transport.name, state, token };
      });

    const stopClient = (): Promise<void> =>
      page.evaluate(() => (window as unknown as ClassicPage).$.connection.hub.stop());

    const next = (event: string, id: string): Promise<{ detail?: unknown }> =>
      events.nextWhere(event, (happened) => happened.event === event && happened.id === id);

    beforeEach(() => {
      complaints = [];
    });

    afterEach(async () => {
      await context.close();
      expect(complaints).toEqual([]);
    });

    describe('over a good line', () => {
      beforeAll(start);
      afterAll(stop);

      test.each(transports)('%s: connect, call, be called, stop', async (transport) => {
        await open(transport !== 'foreverFrame');
        const id = await connect(transport);
        expect(await hubNow()).toMatchObject({ transport, state: 1 });
        expect(await next('connected', id)).toMatchObject({ detail: transport });
        expect(await heardBy(1)).toEqual(['welcome']);
        const value = { text: '</script><b> 🙂 + & % \u2028', list: [1, null] };
        expect(await call('echo', value)).toEqual(value);
        expect(await call('refuse')).toEqual({
          message: 'Name taken',
          source: 'HubException',
          data: { code: 12 },
        });
        await relay.clients.all.hear(value);
        expect(await heardBy(2)).toEqual(['welcome', value]);
        await stopClient();
        expect(await next('disconnected', id)).toMatchObject({ detail: true });
      });

      // Chromium does not tell a page that a frame of it broke off, as Internet Explorer does.
      const reconnecting = transports.filter((transport) => transport !== 'foreverFrame');

      test.each(reconnecting)('%s: a broken line costs no message and no group', async (transport) => {
        await open();
        const id = await connect(transport);
        await heardBy(1);
        await call('join', 'room');
        await relay.clients.group('room').hear('before');
        await heardBy(2);
        await vi.waitUntil(() => transport !== 'longPolling' || lines.hasBegunToAnswer('/poll?'));
        lines.breakAll();
        for (const text of ['one', 'two', 'three']) {
          await relay.clients.group('room').hear(text);
        }
        expect(await next('reconnected', id)).toMatchObject({ detail: transport });
        await relay.clients.group('room').hear('after');
        expect(await heardBy(6)).toEqual(['welcome', 'before', 'one', 'two', 'three', 'after']);
        await page.waitForFunction(() => (window as unknown as ClassicPage).$.connection.hub.state === 1);
        await stopClient();
        expect(await next('disconnected', id)).toMatchObject({ detail: true });
        // The browser itself reports broken lines.
        expect(complaints.splice(0).filter((line) => !/ERR_|WebSocket/.test(line))).toEqual([]);
      });

      test.each(reconnecting)('%s: a client that is sent away stops, and says why', async (transport) => {
        await open();
        const id = await connect(transport);
        await heardBy(1);
        await page.evaluate(() => {
          const view = window as unknown as ClassicPage;
          view.$.connection.hub.error((error) => (view.complaint = error.message));
        });
        await relay.connections.disconnect(id, { reason: 'too late' });
        await page.waitForFunction(() => (window as unknown as ClassicPage).$.connection.hub.state === 4);
        expect(await page.evaluate(() => (window as unknown as ClassicPage).complaint)).toContain('too late');
        expect(await next('disconnected', id)).toMatchObject({ detail: false });
      });
    });

    describe('behind a proxy that knows no WebSockets', () => {
      beforeAll(async () => {
        await start();
        lines.refuseUpgrades();
      });
      afterAll(stop);

      const tokenOf = (url: string): string | null => new URL(url).searchParams.get('connectionToken');

      test.each([
        ['[classic 214] a browser', 'serverSentEvents'],
        ['one without event streams', 'foreverFrame'],
      ])('%s goes on with %s and the same token', async (_, transport) => {
        await open(transport === 'serverSentEvents');
        const tokens: (string | null)[] = [];
        page.on('websocket', (socket) => tokens.push(tokenOf(socket.url())));
        page.on('request', (request) => {
          if (request.url().includes('/connect?')) {
            tokens.push(tokenOf(request.url()));
          }
        });
        const id = await connect();
        const { token } = await hubNow();
        expect(await hubNow()).toMatchObject({ transport, state: 1 });
        expect(tokens).toEqual([token, token]);
        expect(await next('connected', id)).toMatchObject({ detail: transport });
        expect(await call('echo', 'through')).toBe('through');
        await stopClient();
        await next('disconnected', id);
        expect(events.pending.filter((happened) => happened.id === id)).toEqual([]);
        expect(complaints.splice(0)).toEqual([expect.stringContaining('WebSocket connection')]);
      });
    });
  });
});
