/// <reference lib="dom" />
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { Controller, Get, Header, HttpException } from '@nestjs/common';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MessagePackHubProtocol } from 'nestjs-signalr/msgpack';

import { platforms, startApp, type TestApp } from '../support/app.js';
import { launchChromium, openPage } from '../support/browser.js';
import type { CoreTransportName } from '../support/core-lines.js';
import { LineBreaker } from '../support/line-breaker.js';
import { missing } from '../support/requirements.js';
import { StreamsHub, streamsHubEvents } from '../support/streams-hub.js';

const require = createRequire(import.meta.url);
const libraries = [
  '@microsoft/signalr/dist/browser/signalr.min.js',
  '@microsoft/signalr-protocol-msgpack/dist/browser/signalr-protocol-msgpack.min.js',
].map((file) => readFileSync(require.resolve(file), 'utf8'));

@Controller()
class PageController {
  @Get('page')
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(): string {
    return `<!doctype html><title>streams</title>${libraries.map((library) => `<script>${library}</script>`).join('')}`;
  }

  @Get('favicon.ico')
  icon(): never {
    throw new HttpException('', 204);
  }
}

/** What the page keeps between two steps of a test. */
interface CorePage {
  signalR: typeof import('@microsoft/signalr') & {
    protocols: { msgpack: typeof import('@microsoft/signalr-protocol-msgpack') };
  };
  connection: import('@microsoft/signalr').HubConnection;
}

const lines: readonly { readonly transport: CoreTransportName; readonly protocol: 'json' | 'messagepack' }[] =
  [
    { transport: 'WebSockets', protocol: 'json' },
    { transport: 'ServerSentEvents', protocol: 'json' },
    { transport: 'LongPolling', protocol: 'json' },
    { transport: 'WebSockets', protocol: 'messagepack' },
    { transport: 'LongPolling', protocol: 'messagepack' },
  ];

describe.skipIf(missing('chromium'))('@microsoft/signalr in Chromium, streams and questions', () => {
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
      app = await startApp({
        platform,
        hubs: [StreamsHub],
        controllers: [PageController],
        signalr: { hubProtocols: [new MessagePackHubProtocol()], core: { allowStatefulReconnects: true } },
      });
      complaints = [];
      streamsHubEvents.clear();
      page = await openPage(browser, complaints, `${app.url}/page`);
    });

    afterEach(async () => {
      await page.close();
      await app.close();
      expect(app.logged).toEqual([]);
    });

    const start = (transport: CoreTransportName, protocol: string, isStateful = false): Promise<void> =>
      page.evaluate(
        async ([name, encoding, stateful]) => {
          const own = window as unknown as CorePage;
          const { HubConnectionBuilder, HttpTransportType, LogLevel } = own.signalR;
          const builder = new HubConnectionBuilder()
            .withUrl('/signalr/streams', { transport: HttpTransportType[name] })
            .configureLogging(LogLevel.None);
          if (encoding === 'messagepack') {
            builder.withHubProtocol(new own.signalR.protocols.msgpack.MessagePackHubProtocol());
          }
          if (stateful) {
            builder.withStatefulReconnect();
          }
          own.connection = builder.build();
          await own.connection.start();
        },
        [transport, protocol, isStateful] as const,
      );

    test.each(lines)('[core 176] $protocol over $transport', async ({ transport, protocol }) => {
      await start(transport, protocol);
      const outcome = await page.evaluate(async () => {
        const { connection, signalR } = window as unknown as CorePage;
        const all = (stream: import('@microsoft/signalr').IStreamResult<number>): Promise<number[]> =>
          new Promise((resolve, reject) => {
            const items: number[] = [];
            stream.subscribe({
              next: (item) => items.push(item),
              complete: () => resolve(items),
              error: reject,
            });
          });
        const textOf = (promise: Promise<unknown>): Promise<string> =>
          promise.then(
            () => 'no error',
            (error: Error) => error.message,
          );
        const values = new signalR.Subject<number>();
        const sum = connection.invoke<number>('sum', 1, values);
        const doubles = new signalR.Subject<number>();
        const doubled = all(connection.stream<number>('double', doubles));
        for (const value of [1, 2, 3]) {
          values.next(value);
          doubles.next(value);
        }
        values.complete();
        doubles.complete();
        connection.on('answer', (question: string) => `${question}? me`);
        return {
          added: await connection.invoke<number>('add', 2, 3),
          refused: await textOf(connection.invoke('refuse')),
          counted: await all(connection.stream<number>('count', 4)),
          broken: await textOf(all(connection.stream<number>('fails'))),
          sum: await sum,
          doubled: await doubled,
          asked: await connection.invoke<string>('ask', 'who'),
          date: await connection.invoke<string>('kindOf', new Date(5)),
          bytes: await connection.invoke<string>('kindOf', new Uint8Array([1, 2])),
        };
      });
      const isBinary = protocol === 'messagepack';
      expect(outcome).toEqual({
        added: 5,
        refused: `An unexpected error occurred invoking 'refuse' on the server. HubException: no`,
        counted: [0, 1, 2, 3],
        broken: 'An error occurred on the server while streaming results. HubException: broke',
        sum: 7,
        doubled: [2, 4, 6],
        asked: 'they said who? me',
        date: isBinary ? 'date' : 'string',
        bytes: isBinary ? 'bytes 1,2' : 'object',
      });
      streamsHubEvents.clear();
      await page.evaluate(
        () =>
          new Promise<void>((resolve) => {
            const { connection } = window as unknown as CorePage;
            const subscription = connection.stream('count', 1_000_000_000).subscribe({
              next: () => {
                subscription.dispose();
                resolve();
              },
              complete: () => undefined,
              error: () => undefined,
            });
          }),
      );
      expect(await streamsHubEvents.next('the cancellation')).toBe('counted');
      await page.evaluate(() => (window as unknown as CorePage).connection.stop());
      expect(complaints).toEqual([]);
    });

    test.each(['json', 'messagepack'])(
      '[core 166] stateful reconnect over a line that breaks: %s',
      async (protocol) => {
        const network = new LineBreaker(app);
        await start('WebSockets', protocol, true);
        const id = await page.evaluate(() => (window as unknown as CorePage).connection.connectionId);
        for (let round = 0; round < 3; round++) {
          const results = page.evaluate(async (base) => {
            const { connection } = window as unknown as CorePage;
            return Promise.all([0, 1, 2].map((value) => connection.invoke<number>('add', base, value)));
          }, round * 10);
          network.breakAll();
          expect(await results).toEqual([round * 10, round * 10 + 1, round * 10 + 2]);
        }
        expect(await page.evaluate(() => (window as unknown as CorePage).connection.connectionId)).toBe(id);
        expect(streamsHubEvents.pending).toEqual([]);
        await page.evaluate(() => (window as unknown as CorePage).connection.stop());
      },
    );
  });
});
