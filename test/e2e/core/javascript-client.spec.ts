import type { IncomingMessage, Server } from 'node:http';

import * as signalR from '@microsoft/signalr';
import { afterEach, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { coreTransports } from '../../support/core-lines.js';
import { freePort } from '../../support/free-port.mjs';
import { Inbox } from '../../support/inbox.js';
import { LineBreaker } from '../../support/line-breaker.js';
import { departures, TalkHub } from '../../support/talk-hub.js';

const isStream = ({ headers }: IncomingMessage): boolean => headers.accept === 'text/event-stream';

describe.each(platforms)('@microsoft/signalr in Node on %s', (platform) => {
  const apps: TestApp[] = [];

  afterEach(async () => {
    const started = apps.splice(0);
    await Promise.all(started.map((app) => close(app)));
    expect(started.flatMap(({ logged }) => logged)).toEqual([]);
  });

  /** The client opens lines ahead that it never uses; a server would wait until it gives them up. */
  async function close({ app }: TestApp): Promise<void> {
    const closing = app.close();
    (app.getHttpServer() as Server).closeAllConnections();
    await closing;
  }

  async function start(port = 0): Promise<TestApp> {
    const app = await startApp({ platform, hubs: [TalkHub], port });
    apps.push(app);
    return app;
  }

  const build = (url: string, transport?: signalR.HttpTransportType): signalR.HubConnection =>
    new signalR.HubConnectionBuilder()
      .withUrl(`${url}/signalr/talkHub`, transport === undefined ? {} : { transport })
      .withAutomaticReconnect(Array.from({ length: 100 }, () => 20))
      .configureLogging(signalR.LogLevel.None)
      .build();

  describe.each(coreTransports)('over %s', (name) => {
    const transport = signalR.HttpTransportType[name];

    test('calls, is called, and says goodbye', async () => {
      const { url } = await start();
      const connection = build(url, transport);
      const heard = new Inbox<unknown[]>();
      connection.on('hear', (...args: unknown[]) => heard.put(args));
      await connection.start();
      const id = connection.connectionId;
      expect(await connection.invoke('add', 2, 3)).toBe(5);
      await connection.invoke('joinAndTell', 'room', 'hi');
      expect([await heard.next('all'), await heard.next('caller'), await heard.next('group')]).toEqual([
        ['all', 'hi'],
        ['caller', 'hi'],
        ['group', 'hi'],
      ]);
      await connection.stop();
      const { stopCalled } = await departures.nextWhere('the goodbye', (end) => end.id === id);
      expect(stopCalled).toBe(true);
    });

    test('is dismissed by the hub, and does not come back', async () => {
      const { url } = await start();
      const connection = build(url, transport);
      const closed = new Inbox<{ error: Error | undefined }>();
      connection.onclose((error) => closed.put({ error }));
      await connection.start();
      await connection.send('dismiss');
      expect(await closed.next('the end')).toEqual({ error: undefined });
    });

    test('[core 179] [core 180] comes back after a restart of the server', async () => {
      const port = await freePort();
      const first = await start(port);
      const connection = build(first.url, transport);
      const leaving = new Inbox<{ error: Error | undefined }>();
      const returning = new Inbox<{ id: string | undefined }>();
      connection.onreconnecting((error) => leaving.put({ error }));
      connection.onreconnected((id) => returning.put({ id }));
      await connection.start();
      const before = connection.connectionId;
      apps.splice(0);
      const closing = first.app.close();
      expect(await leaving.next('the loss')).toEqual({ error: undefined });
      (first.app.getHttpServer() as Server).closeAllConnections();
      await closing;
      await start(port);
      const { id: after } = await returning.next('the return');
      expect(after).toBe(connection.connectionId);
      expect(after).not.toBe(before);
      expect(await connection.invoke('add', 2, 3)).toBe(5);
      await connection.stop();
    });
  });

  test('[core 177] falls back from transport to transport, with a negotiation for each', async () => {
    const app = await start();
    const lines = new LineBreaker(app);
    lines.refuseUpgrades();
    const negotiations = lines.count(({ url = '' }) => url.includes('/negotiate'));
    const streams = lines.count(isStream);
    const polls = lines.count((request) => request.method === 'GET' && !isStream(request));
    const viaStream = build(app.url);
    await viaStream.start();
    expect(await viaStream.invoke('add', 2, 3)).toBe(5);
    expect([negotiations(), streams(), polls()]).toEqual([2, 1, 0]);
    await viaStream.stop();

    lines.refuse(isStream);
    const viaPolls = build(app.url);
    await viaPolls.start();
    expect(await viaPolls.invoke('add', 2, 3)).toBe(5);
    expect(negotiations()).toBe(5);
    expect(polls()).toBeGreaterThan(1);
    await viaPolls.stop();
  });
});
