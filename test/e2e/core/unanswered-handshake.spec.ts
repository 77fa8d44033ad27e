import type { IncomingMessage, Server, ServerResponse } from 'node:http';

import { HttpTransportType, HubConnectionBuilder, LogLevel } from '@microsoft/signalr';
import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type CoreHubOptions,
  Hub,
  HubMethod,
  IUserIdProvider,
  SignalRHub,
  SignalRService,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { type CoreFrame, RawCoreClient } from '../../support/core-client.js';
import { type CoreTransportName, coreTransports } from '../../support/core-lines.js';
import { FakeClock } from '../../support/fake-clock.js';
import { type Deferred, deferred, Inbox } from '../../support/inbox.js';

const LOOKUP_FAILED = expect.stringMatching(
  /^nobody knows who the user of connection .* is .*the directory is down/,
) as string;
const HANDSHAKE = '{"protocol":"json","version":1}';

const events = new Inbox<string>();
/** The lookup of users waits for it. */
let gate: Deferred;
/** Methods of the requests that are over. */
const over = new Inbox<string>();

@Hub('quiet')
class QuietHub extends SignalRHub {
  override onConnected(): void {
    events.put('connected');
  }

  override onDisconnected(): void {
    events.put('disconnected');
  }

  @HubMethod()
  hear(word: string): void {
    events.put(word);
  }
}

class SlowUserIds extends IUserIdProvider {
  override async getUserId(): Promise<string> {
    events.put('asked');
    await gate.promise;
    return 'ann';
  }
}

class BrokenUserIds extends SlowUserIds {
  override async getUserId(): Promise<never> {
    await super.getUserId();
    throw new Error('the directory is down');
  }
}

function usersOf(useClass: Type<IUserIdProvider>): DynamicModule {
  @Module({})
  class UsersModule {}
  return { module: UsersModule, providers: [{ provide: IUserIdProvider, useClass }] };
}

describe.each(platforms)('before its handshake is answered, on %s, a client', (platform) => {
  let clock: FakeClock;
  let app: TestApp;
  let hub: string;

  beforeEach(async () => {
    clock = new FakeClock();
    gate = deferred();
    events.clear();
    over.clear();
    await start(SlowUserIds, { handshakeTimeout: 60_000 });
    (app.app.getHttpServer() as Server).on('request', (request: IncomingMessage, response: ServerResponse) =>
      response.once('close', () => over.put(request.method ?? '')),
    );
  });

  async function start(userIds: Type<IUserIdProvider>, core: Partial<CoreHubOptions>): Promise<void> {
    app = await startApp({
      platform,
      hubs: [QuietHub],
      imports: [usersOf(userIds)],
      signalr: { clock, core },
    });
    hub = `${app.url}/signalr/quiet`;
  }

  afterEach(async () => {
    gate.resolve();
    await app.close();
    expect(app.logged).toEqual([]);
  });

  /** Its user is being looked up. @param said what it says right behind its handshake. */
  async function introduce(transport: CoreTransportName, ...said: CoreFrame[]): Promise<RawCoreClient> {
    const client = await RawCoreClient.open(hub, {}, '', transport);
    client.send(HANDSHAKE, ...said);
    expect(await events.next('the lookup')).toBe('asked');
    return client;
  }

  /** What it hears until its line ends. */
  function lastWord({ line }: RawCoreClient): Promise<string> {
    const nothing = line.ended.then(async () => {
      await new Promise(setImmediate);
      return 'nothing';
    });
    return Promise.race([line.nextText('the last word'), nothing]);
  }

  /** The server knows that it has gone. */
  async function hasLeft({ line }: RawCoreClient, transport: CoreTransportName): Promise<void> {
    if (transport === 'WebSockets') {
      await line.ended;
      return;
    }
    const last = transport === 'LongPolling' ? 'DELETE' : 'GET';
    while ((await over.next('the last request')) !== last);
  }

  const drain = (): Promise<boolean> => app.app.get(SignalRService).drain();

  describe.each(coreTransports)('over %s', (transport) => {
    test('[core 180] is sent away by a server that stops without a word that is no answer', async () => {
      const heard = lastWord(await RawCoreClient.open(hub, {}, '', transport));
      expect(await drain()).toBe(true);
      expect(await heard).toBe('nothing');
    });

    test('also while its user is being looked up, and the hub never hears of it', async () => {
      const heard = lastWord(await introduce(transport));
      expect(await drain()).toBe(true);
      gate.resolve();
      expect(await heard).toBe('nothing');
      expect(events.pending).toEqual([]);
    });

    test('gets no pings, however long its user is looked up', async () => {
      const client = await introduce(transport);
      await clock.advance(40_000);
      gate.resolve();
      expect(await client.nextRecord()).toBe('{}');
      expect(await events.next('the greeting')).toBe('connected');
      client.close();
    });

    test('[core 44] has as much time as for its handshake alone', async () => {
      const heard = lastWord(await introduce(transport));
      await clock.advance(61_000);
      expect(await heard).toBe('{"error":"Handshake was canceled."}\u001e');
      gate.resolve();
      expect(events.pending).toEqual([]);
    });

    test('may have left: what it has said is heard once its user is known', async () => {
      const client = await introduce(transport, { type: 1, target: 'hear', arguments: ['a word'] });
      client.close();
      await hasLeft(client, transport);
      gate.resolve();
      expect(await events.next('the greeting')).toBe('connected');
      expect(await events.next('what it has said')).toBe('a word');
      await clock.advance(3_000);
      expect(await events.next('the goodbye')).toBe('disconnected');
    });

    test('that is the JavaScript one is told that its connection was closed', async () => {
      const connection = new HubConnectionBuilder()
        .withUrl(hub, { transport: HttpTransportType[transport] })
        .configureLogging(LogLevel.None)
        .build();
      const started = connection.start().then(
        () => 'started',
        (error: Error) => error.message,
      );
      expect(await events.next('the lookup')).toBe('asked');
      expect(await drain()).toBe(true);
      expect(await started).toBe(
        'The underlying connection was closed before the hub handshake could complete.',
      );
    });
  });

  test.each([
    ['', false],
    [' Error: the directory is down', true],
  ])('[core 42] is refused if that fails, with details:%s', async (details, enableDetailedErrors) => {
    await app.close();
    await start(BrokenUserIds, { enableDetailedErrors });
    const client = await introduce('WebSockets');
    gate.resolve();
    expect(JSON.parse(await client.nextRecord())).toEqual({
      error: `An unexpected error occurred during connection handshake.${details}`,
    });
    expect(await client.socket.closed).toEqual({ code: 1000, reason: '' });
    expect(events.pending).toEqual([]);
    expect(app.logged.splice(0)).toEqual([LOOKUP_FAILED]);
  });

  test('may be gone when that fails: it is logged all the same', async () => {
    await app.close();
    await start(BrokenUserIds, {});
    const heard = lastWord(await introduce('WebSockets'));
    expect(await drain()).toBe(true);
    expect(await heard).toBe('nothing');
    gate.resolve();
    await expect.poll(() => app.logged.splice(0)).toEqual([LOOKUP_FAILED]);
    expect(events.pending).toEqual([]);
  });
});
