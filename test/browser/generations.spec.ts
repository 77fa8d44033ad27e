/// <reference lib="dom" />
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { Controller, Get, Header, HttpCode, Param } from '@nestjs/common';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  getHubContextToken,
  Hub,
  HubException,
  HubMethod,
  HubProgress,
  type HubRequest,
  type IHubContext,
  type IProgress,
  PersistentConnection,
  SignalRHub,
  SignalRPersistentConnection,
} from 'nestjs-signalr';

import { type Platform, startApp, type TestApp } from '../support/app.js';
import { launchChromium, openPage } from '../support/browser.js';
import { Inbox } from '../support/inbox.js';
import { LineBreaker } from '../support/line-breaker.js';
import { missing } from '../support/requirements.js';

const files = createRequire(import.meta.url);
const library = (path: string): string => `<script>${readFileSync(files.resolve(path), 'utf8')}</script>`;

/** Every release of the client that is on npm, by the package that it is installed as. */
const generations: readonly (readonly [version: string, platforms: readonly Platform[]])[] = [
  ['2.2.1', ['express']],
  ['2.2.2', ['express', 'fastify']],
  ['2.2.3', ['fastify']],
  ['2.3.0', ['express']],
  ['2.4.0', ['fastify']],
  ['2.4.1', ['express']],
  ['2.4.2', ['fastify']],
  ['2.4.3', ['express', 'fastify']],
];

const packageOf = (version: string): string => (version === '2.4.3' ? 'signalr' : `signalr-${version}`);

@Controller()
class PageController {
  @Get('page/:version')
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(@Param('version') version: string): string {
    return `<!doctype html><title>${version}</title>
${library('jquery/dist/jquery.min.js')}
${library(`${packageOf(version)}/jquery.signalR.min.js`)}
<script src="/signalr/hubs"></script>`;
  }

  @Get('favicon.ico')
  @HttpCode(204)
  icon(): void {}
}

const disconnects = new Inbox<{ readonly id: string; readonly stopCalled: boolean }>();

@Hub()
class WorkHub extends SignalRHub {
  override async onConnected(): Promise<void> {
    await this.clients.caller.hear('welcome');
  }

  override onDisconnected(stopCalled: boolean): void {
    disconnects.put({ id: this.context.connectionId, stopCalled });
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
  rename(name: string): unknown {
    const before = this.clients.callerState['name'];
    this.clients.callerState['name'] = name;
    return before;
  }

  @HubMethod()
  async join(group: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
  }

  @HubMethod()
  async count(upTo: number, @HubProgress() progress: IProgress<number>): Promise<string> {
    for (let step = 1; step <= upTo; step++) {
      await progress.report(step);
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    return 'counted';
  }
}

@PersistentConnection('/raw')
class RawConnection extends SignalRPersistentConnection {
  override async onReceived(_request: HubRequest, connectionId: string, data: string): Promise<void> {
    await this.connection.send(connectionId, { got: data });
  }
}

/** What the page has of jquery.signalR. */
interface ClassicPage {
  heard: unknown[];
  $: {
    signalR: { version: string; transports: Record<string, { reconnectDelay: number }> };
    connection: {
      (url: string): RawClient;
      hub: {
        id: string;
        state: number;
        reconnectDelay: number;
        start(options: object): Promise<unknown>;
        stop(): void;
      };
      workHub: {
        state: Record<string, unknown>;
        client: Record<string, unknown>;
        server: Record<string, (...args: unknown[]) => Call>;
      };
    };
  };
}

interface Call extends Promise<unknown> {
  progress(handler: (value: unknown) => void): Call;
}

interface RawClient {
  start(options: object): Promise<unknown>;
  received(handler: (value: unknown) => void): void;
  send(data: string): void;
  stop(): void;
}

/** What one visit of a page gives. */
interface Visit {
  readonly id: string;
  readonly echo: unknown;
  readonly refusal: unknown;
  readonly stateBefore: unknown;
  readonly stateAfter: unknown;
  readonly progress: readonly unknown[];
  readonly counted: unknown;
}

const VALUE = { text: '</script>ü 🙂 + & %', list: [1, null] };

const transports = ['webSockets', 'serverSentEvents', 'longPolling'] as const;

describe.skipIf(missing('chromium'))('every generation of jquery.signalR on npm, in Chromium', () => {
  let browser: Browser;
  const apps = new Map<Platform, TestApp>();
  const complaints: string[] = [];

  beforeAll(async () => {
    browser = await launchChromium();
    for (const platform of ['express', 'fastify'] as const) {
      const app = await startApp({
        platform,
        hubs: [WorkHub],
        providers: [RawConnection],
        controllers: [PageController],
      });
      apps.set(platform, app);
    }
  });

  afterAll(async () => {
    await browser?.close();
    for (const app of apps.values()) {
      await app.close();
      expect(app.logged).toEqual([]);
    }
  });

  afterEach(() => {
    // The browser itself reports lines that the test breaks.
    expect(complaints.splice(0).filter((line) => !/ERR_|WebSocket/.test(line))).toEqual([]);
  });

  const open = async (app: TestApp, version: string): Promise<Page> => {
    const page = await openPage(browser, complaints, `${app.url}/page/${version}`);
    expect(await page.evaluate(() => (window as unknown as ClassicPage).$.signalR.version)).toBe(version);
    return page;
  };

  const heard = (page: Page): Promise<unknown[]> =>
    page.evaluate(() => (window as unknown as ClassicPage).heard);

  /** Starts, calls, fails, exchanges state, hears of progress and joins a group. */
  const visit = (page: Page, transport: string): Promise<Visit> =>
    page.evaluate(
      async ([name, value]) => {
        const { $ } = window as unknown as ClassicPage;
        const { hub, workHub } = $.connection;
        const received: unknown[] = ((window as unknown as ClassicPage).heard = []);
        hub.reconnectDelay = 10;
        $.signalR.transports['longPolling']!.reconnectDelay = 10;
        workHub.client['hear'] = (text: unknown) => received.push(text);
        workHub.state['name'] = 'Ada';
        await hub.start({ transport: name });
        const { server } = workHub;
        const progress: unknown[] = [];
        const counting = server['count']!(3);
        void counting.progress((step) => progress.push(step));
        await server['join']!('room');
        return {
          id: hub.id,
          echo: await server['echo']!(value),
          refusal: await server['refuse']!().then(
            () => 'none',
            ({ message, source, data }: { message: string; source: string; data: unknown }) => ({
              message,
              source,
              data,
            }),
          ),
          stateBefore: await server['rename']!('Grace'),
          stateAfter: workHub.state['name'],
          counted: await counting,
          progress,
        };
      },
      [transport, VALUE] as const,
    );

  /** Stops the client and tells whether the hub heard of it from the client. */
  async function stop(page: Page, id: string): Promise<boolean> {
    await page.evaluate(() => (window as unknown as ClassicPage).$.connection.hub.stop());
    return (await disconnects.nextWhere('the end', (disconnect) => disconnect.id === id)).stopCalled;
  }

  describe.each(generations.flatMap(([version, on]) => on.map((platform) => ({ version, platform }))))(
    '$version on $platform',
    ({ version, platform }) => {
      let app: TestApp;
      let lines: LineBreaker;
      let work: IHubContext<WorkHub>;

      beforeAll(() => {
        app = apps.get(platform) as TestApp;
        lines = new LineBreaker(app);
        work = app.app.get<IHubContext<WorkHub>>(getHubContextToken(WorkHub), { strict: false });
      });

      test.each(transports)('hubs, over %s', async (transport) => {
        const page = await open(app, version);
        const { id, ...answers } = await visit(page, transport);
        expect(answers).toEqual({
          echo: VALUE,
          refusal: { message: 'Name taken', source: 'HubException', data: { code: 12 } },
          stateBefore: 'Ada',
          stateAfter: 'Grace',
          progress: [1, 2, 3],
          counted: 'counted',
        });
        await vi.waitUntil(() => transport !== 'longPolling' || lines.hasBegunToAnswer('/poll?'));
        lines.breakAll();
        await work.clients.group('room').hear('while away');
        await expect.poll(() => heard(page), { timeout: 10_000 }).toContain('while away');
        await page.waitForFunction(() => (window as unknown as ClassicPage).$.connection.hub.state === 1);
        await work.clients.client(id).hear('back');
        await expect.poll(() => heard(page)).toEqual(['welcome', 'while away', 'back']);

        expect(await stop(page, id)).toBe(true);

        const again = await visit(page, transport);
        await work.clients.client(again.id).hear('once');
        await expect.poll(() => heard(page)).toEqual(['welcome', 'once']);
        expect(await stop(page, again.id)).toBe(true);
        await page.close();
      });

      test.each(transports)('a persistent connection, over %s', async (transport) => {
        const page = await open(app, version);
        const answer = await page.evaluate(async (name) => {
          const client = (window as unknown as ClassicPage).$.connection('/raw');
          const received = new Promise((resolve) => client.received(resolve));
          await client.start({ transport: name });
          client.send('raw & + ü');
          const value = await received;
          client.stop();
          return value;
        }, transport);
        expect(answer).toEqual({ got: 'raw & + ü' });
        await page.close();
      });
    },
  );
});
