import type { Server } from 'node:http';

import * as core10 from '@microsoft/signalr';
import * as core31 from 'signalr-core-3.1';
import * as core5 from 'signalr-core-5';
import * as core6 from 'signalr-core-6';
import * as core7 from 'signalr-core-7';
import * as core8 from 'signalr-core-8';
import * as core9 from 'signalr-core-9';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { coreTransports } from '../../support/core-lines.js';
import { deferred, Inbox } from '../../support/inbox.js';
import { StreamsHub, streamsHubEvents as events } from '../../support/streams-hub.js';

type Library = typeof core10;

/** Every generation of the client that is on npm, with what it can do. */
const generations: readonly {
  readonly name: string;
  readonly library: Library;
  readonly answers: boolean;
  readonly resumes: boolean;
}[] = [
  { name: '3.1', library: core31 as unknown as Library, answers: false, resumes: false },
  { name: '5', library: core5 as unknown as Library, answers: false, resumes: false },
  { name: '6', library: core6 as unknown as Library, answers: false, resumes: false },
  { name: '7', library: core7 as unknown as Library, answers: true, resumes: false },
  { name: '8', library: core8 as unknown as Library, answers: true, resumes: true },
  { name: '9', library: core9 as unknown as Library, answers: true, resumes: true },
  { name: '10', library: core10, answers: true, resumes: true },
];

const runs = platforms.flatMap((platform) =>
  generations.flatMap((generation) =>
    coreTransports.map((transport) => ({ platform, transport, ...generation })),
  ),
);

describe.each(runs)(
  '@microsoft/signalr $name over $transport on $platform',
  ({ platform, transport, name, library, answers, resumes }) => {
    let app: TestApp;
    let connection: core10.HubConnection;

    beforeAll(async () => {
      app = await startApp({
        platform,
        hubs: [StreamsHub],
        signalr: { core: { allowStatefulReconnects: true } },
      });
      // Version 5 takes the fetch of Node for that of a browser.
      vi.stubGlobal('self', globalThis);
      const builder = new library.HubConnectionBuilder()
        .withUrl(`${app.url}/signalr/streams`, { transport: library.HttpTransportType[transport] })
        .configureLogging(library.LogLevel.None);
      if (resumes) {
        builder.withStatefulReconnect();
      }
      connection = builder.build();
      await connection.start();
    });

    afterAll(async () => {
      // Clients leave connections behind on which they have never asked for anything.
      const closing = app.close();
      (app.app.getHttpServer() as Server).closeAllConnections();
      await closing;
      vi.unstubAllGlobals();
      expect(app.logged).toEqual([]);
    });

    const all = (stream: core10.IStreamResult<number>): Promise<number[]> =>
      new Promise((resolve, reject) => {
        const items: number[] = [];
        stream.subscribe({ next: (item) => items.push(item), complete: () => resolve(items), error: reject });
      });

    test('[core 176] calls, results, errors', async () => {
      expect(await connection.invoke('add', 2, 3)).toBe(5);
      await expect(connection.invoke('refuse')).rejects.toThrow(
        `An unexpected error occurred invoking 'refuse' on the server. HubException: no`,
      );
      await expect(connection.invoke('Missing')).rejects.toThrow('Method does not exist.');
    });

    test('[core 176] is called, by groups and by all, whatever the case', async () => {
      const heard = new Inbox<string>();
      connection.on('HEAR', (text: string) => heard.put(text));
      await connection.send('tell', 'g', 'group');
      expect([await heard.next('group'), await heard.next('all')]).toEqual(['group', 'all']);
      connection.off('HEAR');
    });

    test('[core 176] streams in both directions, and cancels', async () => {
      expect(await all(connection.stream('count', 5))).toEqual([0, 1, 2, 3, 4]);
      events.clear();
      const first = deferred();
      const subscription = connection.stream('count', 1_000_000).subscribe({
        next: () => first.resolve(),
        complete: () => undefined,
        error: () => undefined,
      });
      await first.promise;
      subscription.dispose();
      expect(await events.next('the cancellation')).toBe('counted');
      const values = new library.Subject<number>();
      const sum = connection.invoke('sum', 1, values);
      const doubles = new library.Subject<number>();
      const doubled = all(connection.stream('double', doubles));
      for (const value of [1, 2, 3]) {
        values.next(value);
        doubles.next(value);
      }
      values.complete();
      doubles.complete();
      expect(await sum).toBe(7);
      expect(await doubled).toEqual([2, 4, 6]);
    });

    test.each(answers ? [name] : [])('[core 176] answers, from version 7 on: %s', async () => {
      await expect(connection.invoke('ask', 'who')).rejects.toThrow(`Client didn't provide a result.`);
      connection.on('answer', (question: string) => `${question}? me`);
      expect(await connection.invoke('ask', 'who')).toBe('they said who? me');
      connection.off('answer');
      connection.on('answer', () => {
        throw new Error('not me');
      });
      await expect(connection.invoke('ask', 'who')).rejects.toThrow('not me');
      connection.off('answer');
    });

    test('[core 176] stops, and is stopped', async () => {
      events.clear();
      await connection.stop();
      expect(await events.next('the goodbye')).toMatch(/^disconnected (?:true|false)$/);
      await connection.start();
      const closed = new Promise<unknown>((resolve) => connection.onclose(resolve));
      await connection.send('quit');
      // The oldest clients take the end of an event stream for an error.
      const calm =
        ['3.1', '5'].includes(name) && transport === 'ServerSentEvents'
          ? [undefined, 'Error occurred']
          : [undefined];
      expect(calm).toContain(((await closed) as Error | undefined)?.message);
    });
  },
);
