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
  startInPage,
  stopInPage,
} from '../support/core-page.js';
import { missing } from '../support/requirements.js';
import { StreamsHub, streamsHubEvents } from '../support/streams-hub.js';

const url = '/signalr/streams';

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
        controllers: [CorePageController],
        signalr: { hubProtocols: [new MessagePackHubProtocol()] },
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

    test.each(coreEncodings)('[core 176] $encoding over $transport', async ({ transport, encoding }) => {
      await startInPage(page, { url, transport, encoding });
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
      const isBinary = encoding === 'messagepack';
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
      await stopInPage(page);
      expect(complaints).toEqual([]);
    });

    test.each(coreEncodings.filter(({ encoding }) => encoding === 'messagepack'))(
      '[core 176] bytes and dates stay what they are in MessagePack over $transport',
      async ({ transport, encoding }) => {
        await startInPage(page, { url, transport, encoding });
        const ways = await page.evaluate(async () => {
          const { connection, signalR, heard } = window as unknown as CorePage;
          const kindOf = (value: unknown): string =>
            value instanceof Uint8Array
              ? `bytes ${value.length} ${value.reduce((sum, byte) => sum + byte, 0)}`
              : value instanceof Date
                ? `date ${value.getTime()}`
                : typeof value;
          // Lengths of one, two and three bytes, and a date between two seconds.
          const values = [0, 100, 200, 20_000]
            .map((length): unknown => new Uint8Array(length).fill(255))
            .concat(new Date(1_700_000_000_123));
          connection.on('reflect', (value: unknown) => value);
          const upload = new signalR.Subject<unknown>();
          const items: unknown[] = [];
          const streamed = new Promise<void>((resolve, reject) => {
            connection.stream('through', upload).subscribe({
              next: (item) => items.push(item),
              complete: resolve,
              error: reject,
            });
          });
          values.forEach((value) => upload.next(value));
          upload.complete();
          await streamed;
          const [results, answers]: unknown[][] = [[], []];
          for (const value of values) {
            results?.push(await connection.invoke('echo', value));
            answers?.push(await connection.invoke('reflect', value));
            await connection.invoke('shout', value);
          }
          const received = { results, answers, items, calls: heard.flat() };
          return Object.fromEntries(
            Object.entries({ values, ...received }).map(([way, of]) => [way, of?.map(kindOf)]),
          );
        });
        const sent = [
          'bytes 0 0',
          'bytes 100 25500',
          'bytes 200 51000',
          'bytes 20000 5100000',
          'date 1700000000123',
        ];
        expect(ways).toEqual({ values: sent, results: sent, answers: sent, items: sent, calls: sent });
        await stopInPage(page);
        expect(complaints).toEqual([]);
      },
    );
  });
});
