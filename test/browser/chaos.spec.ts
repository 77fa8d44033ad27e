/// <reference lib="dom" />
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';

import { Controller, Get, Header, HttpCode } from '@nestjs/common';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  getHubContextToken,
  Hub,
  HubMethod,
  type IHubContext,
  MemoryBackplane,
  SignalRHub,
} from 'nestjs-signalr';

import { FaultyProxy } from '../chaos/faulty-proxy.mjs';
import { seededRandom } from '../chaos/random.mjs';
import { startApp, type TestApp } from '../support/app.js';
import { launchChromium, openPage } from '../support/browser.js';
import { missing } from '../support/requirements.js';

const files = createRequire(import.meta.url);
const library = (path: string): string => `<script>${readFileSync(files.resolve(path), 'utf8')}</script>`;
const patientSocket = readFileSync(new URL('../chaos/patient-socket.mjs', import.meta.url), 'utf8');

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

  @Get('core')
  @Header('Content-Type', 'text/html; charset=utf-8')
  core(): string {
    return `<!doctype html><title>chaos</title>
${library('@microsoft/signalr/dist/browser/signalr.min.js')}
<script>${patientSocket.replace('export function', 'function')}</script>`;
  }

  @Get('favicon.ico')
  @HttpCode(204)
  icon(): void {}
}

@Hub()
class CountHub extends SignalRHub {
  /** What clients have called, in the order of the calls. */
  static called: number[] = [];

  @HubMethod()
  count(number: number): number {
    CountHub.called.push(number);
    return number;
  }
}

interface ChaosPage {
  numbers: number[];
}

interface CorePage extends ChaosPage {
  signalR: typeof import('@microsoft/signalr');
  connection: import('@microsoft/signalr').HubConnection;
  patient(socket: unknown, patience: { retryAfter: number; retryFor: number }): typeof WebSocket;
}

interface ClassicPage extends ChaosPage {
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

describe.skipIf(missing('chromium'))(`clients over lines that break (CHAOS_SEED=${seed})`, () => {
  let browser: Browser;
  let app: TestApp;
  let proxy: FaultyProxy;
  let page: Page;

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
          core: {
            allowStatefulReconnects: true,
            statefulReconnectBufferSize: 10_000_000,
            disconnectTimeout: 60_000,
            keepAliveInterval: 2_000,
          },
        },
      }),
    ]);
  });

  beforeEach(() => {
    proxy = new FaultyProxy(Number(new URL(app.url).port), seededRandom(seed));
  });

  afterEach(async () => {
    await page.close();
    await proxy.close();
  });

  afterAll(async () => {
    await browser?.close();
    await app?.close();
    expect(app.logged).toEqual([]);
  });

  const open = async (path: string): Promise<void> => {
    page = await openPage(browser, [], `http://127.0.0.1:${await proxy.listen()}/${path}`);
  };

  const numbersOf = (): Promise<number[]> => page.evaluate(() => (window as unknown as ChaosPage).numbers);

  const upTo = (count: number): number[] => Array.from({ length: count }, (_, number) => number);

  /** Sends numbers to the client while its lines break, and checks that each arrives once and in order. */
  async function expectOnceOverBrokenLines(id: string): Promise<void> {
    const { clients } = app.app.get<IHubContext<CountHub>>(getHubContextToken(CountHub), { strict: false });
    proxy.startFaults(PAUSE);
    const end = performance.now() + DURATION;
    let sent = 0;
    while (performance.now() < end) {
      await (sent % 3 === 0 ? clients.all : clients.client(id)).take(sent++);
      await delay(4);
    }
    proxy.stopFaults();

    await expect
      .poll(async () => (await numbersOf()).length, { timeout: 20_000 })
      .toBeGreaterThanOrEqual(sent);
    expect(await numbersOf()).toEqual(upTo(sent));
    // Lines did break, though a browser repeats some requests without a word to the client.
    const breaks = ['cut', 'reset', 'tear', 'halfClose'].map((fault) => proxy.faults[fault] ?? 0);
    expect(breaks.reduce((sum, count) => sum + count)).toBeGreaterThan(2);
  }

  test.each(['webSockets', 'serverSentEvents', 'longPolling'])(
    'jquery.signalR: each number arrives once and in order over %s',
    async (transport) => {
      await open('page');
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
      await expectOnceOverBrokenLines(id);
      await page.evaluate(() => (window as unknown as ClassicPage).$.connection.hub.stop());
    },
  );

  test('@microsoft/signalr with stateful reconnect: each number, call and result arrives once and in order', async () => {
    await open('core');
    const id = await page.evaluate(async () => {
      const view = window as unknown as CorePage;
      view.numbers = [];
      // The client tries once to replace a lost socket. Its types do not know this option.
      const sockets = { WebSocket: view.patient(WebSocket, { retryAfter: 50, retryFor: 15_000 }) };
      view.connection = new view.signalR.HubConnectionBuilder()
        .withUrl('/signalr/countHub', {
          transport: view.signalR.HttpTransportType.WebSockets,
          ...sockets,
        })
        .withStatefulReconnect({ bufferSize: 10_000_000 })
        .build();
      view.connection.on('take', (number: number) => view.numbers.push(number));
      await view.connection.start();
      return view.connection.connectionId as string;
    });
    CountHub.called = [];
    const calling = page.evaluate(async (duration) => {
      const { connection } = window as unknown as CorePage;
      const results: Promise<number>[] = [];
      const end = performance.now() + duration;
      while (performance.now() < end) {
        results.push(connection.invoke<number>('count', results.length));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return Promise.all(results);
    }, DURATION);
    await expectOnceOverBrokenLines(id);
    const results = await calling;
    expect(results).toEqual(upTo(results.length));
    expect(CountHub.called).toEqual(results);
    expect(results.length).toBeGreaterThan(50);
    expect(await page.evaluate(() => (window as unknown as CorePage).connection.connectionId)).toBe(id);
    await page.evaluate(() => (window as unknown as CorePage).connection.stop());
  });
});
