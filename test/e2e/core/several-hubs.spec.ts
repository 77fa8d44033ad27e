import type { Server } from 'node:http';

import {
  HttpTransportType,
  type HubConnection,
  HubConnectionBuilder,
  JsonHubProtocol,
  LogLevel,
  Subject,
} from '@microsoft/signalr';
import { MessagePackHubProtocol as ClientProtocol } from '@microsoft/signalr-protocol-msgpack';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { HubContextRegistry, type SignalRModuleOptions } from 'nestjs-signalr';
import { hubOf, hubProxy } from 'nestjs-signalr/client';
import { MessagePackHubProtocol } from 'nestjs-signalr/msgpack';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { RawCoreClient } from '../../support/core-client.js';
import { coreTransports } from '../../support/core-lines.js';
import { http, refusedUpgrade } from '../../support/http.js';
import { Inbox } from '../../support/inbox.js';
import { LineBreaker } from '../../support/line-breaker.js';
import { AdminHub, ChatHub, eventsOf, sharedEvents, StockHub } from './shared-hubs.js';

const hubs = [ChatHub, StockHub, AdminHub];

const encodings = [
  ['JSON', () => new JsonHubProtocol()],
  ['MessagePack', () => new ClientProtocol()],
] as const;

/** Event streams carry no bytes. */
const combinations = coreTransports
  .flatMap((transport) => encodings.map(([name, protocol]) => [transport, name, protocol] as const))
  .filter(([transport, name]) => transport !== 'ServerSentEvents' || name === 'JSON');

describe.each(platforms)('several hubs over one connection on %s', (platform) => {
  const connections: HubConnection[] = [];
  let app: TestApp;
  let url: string;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs,
      signalr: {
        multiplex: { path: '/signalr/all', allowStatefulReconnects: true },
        hubProtocols: [new MessagePackHubProtocol()],
        authenticate: ({ url: asked = '' }) => /user=(\w+)/.exec(asked)?.[1],
      },
    });
    url = `${app.url}/signalr/all`;
  });

  afterEach(async () => {
    await Promise.all(connections.splice(0).map((connection) => connection.stop()));
    sharedEvents.clear();
  });

  afterAll(async () => {
    const closing = app.close();
    // The client opens lines ahead that it never uses; a server would wait until it gives them up.
    (app.app.getHttpServer() as Server).closeAllConnections();
    await closing;
    const expected = ['does not want it', 'secret'];
    expect(app.logged.filter((line) => !expected.some((text) => line.includes(text)))).toEqual([]);
  });

  function build(
    query: string,
    [transport, , protocol]: (typeof combinations)[number] = combinations[0] as never,
  ): HubConnectionBuilder {
    return new HubConnectionBuilder()
      .withUrl(url + query, { transport: HttpTransportType[transport] })
      .withHubProtocol(protocol())
      .configureLogging(LogLevel.None);
  }

  async function start(builder: HubConnectionBuilder): Promise<HubConnection> {
    const connection = builder.build();
    connections.push(connection);
    await connection.start();
    return connection;
  }

  /** What a connection hears of some hubs. */
  function listen(connection: HubConnection, ...names: string[]): Inbox<string> {
    const heard = new Inbox<string>();
    for (const name of names) {
      connection.on(`${name}.hear`, (text: string) => heard.put(`${name}: ${text}`));
    }
    return heard;
  }

  const failureOf = (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => 'it did not fail',
      (error: Error) => error.message,
    );

  describe.each(combinations)('over %s with %s', (...combination) => {
    const open = (query = ''): Promise<HubConnection> => start(build(query, combination));

    test('calls find their hub, and each hub is told of the beginning and the end', async () => {
      const connection = await open('?hubs=chatHub,stock');
      const { connectionId } = connection;
      expect(await eventsOf(connectionId, 2)).toEqual(['chat connected', 'stock connected']);
      expect(await connection.invoke('chatHub.who')).toBe('chat');
      expect(await connection.invoke('stock.who')).toBe('stock');
      expect(await connection.invoke('CHATHUB.WHO')).toBe('chat');
      expect(await connection.invoke('stock.a.b')).toBe('stock a.b');
      await connection.send('stock.ping');
      await connection.stop();
      expect(await eventsOf(connectionId, 2)).toEqual(['chat disconnected true', 'stock disconnected true']);
    });

    test('what hubs call has their name, and reaches whom it is for', async () => {
      const [ann, bob] = [await open('?user=ann'), await open('?user=bob')];
      const [annHears, bobHears] = [listen(ann, 'chatHub', 'stock'), listen(bob, 'chatHub', 'stock')];
      await ann.invoke('chatHub.toCaller', 'caller');
      await ann.invoke('stock.toOthers', 'others');
      await ann.invoke('stock.toUser', 'ann', 'user');
      await ann.invoke('chatHub.join', 'room');
      await bob.invoke('stock.join', 'room');
      await ann.invoke('chatHub.toGroup', 'room', 'group of chat');
      await ann.invoke('stock.toGroup', 'room', 'group of stock');
      const context = app.app.get(HubContextRegistry).get(ChatHub);
      await context.clients.all.invoke('hear', 'all');
      await context.clients
        .client(ann.connectionId as string)
        .invoke('answered', 'nobody listens')
        .catch(() => undefined);
      const hears = async (inbox: Inbox<string>, count: number): Promise<string[]> => {
        const heard: string[] = [];
        while (heard.length < count) {
          heard.push(await inbox.next(`one of ${count} after ${heard.join()}`));
        }
        return heard;
      };
      expect(await hears(annHears, 4)).toEqual([
        'chatHub: caller',
        'stock: user',
        'chatHub: group of chat',
        'chatHub: all',
      ]);
      expect(await hears(bobHears, 3)).toEqual(['stock: others', 'stock: group of stock', 'chatHub: all']);
    });

    test('streams in both directions, and one that is cancelled', async () => {
      const connection = await open();
      const items: string[] = [];
      await new Promise<void>((complete, error) => {
        connection
          .stream<string>('stock.count', 3)
          .subscribe({ next: (item) => items.push(item), complete, error });
      });
      expect(items).toEqual(['stock 0', 'stock 1', 'stock 2']);
      const numbers = new Subject<number>();
      const sum = connection.invoke('chatHub.sum', numbers);
      numbers.next(2);
      numbers.next(3);
      numbers.complete();
      expect(await sum).toBe('chat 5');
      const first = new Inbox<number>();
      const subscription = connection
        .stream<number>('stock.endless')
        .subscribe({ next: (item) => first.put(item), complete: () => undefined, error: () => undefined });
      expect(await first.next('an item')).toBe(0);
      subscription.dispose();
      await sharedEvents.nextWhere('the cancellation', ({ what }) => what === 'stock cancelled');
    });

    test('clients answer the hub that asks', async () => {
      const connection = await open();
      connection.on('chatHub.answer', (question: string) => `${question}, says the chat`);
      connection.on('stock.answer', (question: string) => `${question}, says the stock`);
      expect(await connection.invoke('chatHub.ask', 'why')).toBe('chat was told why, says the chat');
      expect(await connection.invoke('stock.ask', 'why')).toBe('stock was told why, says the stock');
      const context = app.app.get(HubContextRegistry).get(StockHub);
      const { connectionId } = connection;
      expect(await context.clients.client(connectionId as string).invoke('answer', 'who')).toBe(
        'who, says the stock',
      );
    });
  });

  test('hubs and methods that do not exist are told as methods that do not exist', async () => {
    const connection = await start(build(''));
    for (const target of ['who', 'nobody.who', 'chatHub.nothing', 'chatHub.', '.who', '', 'admin.who']) {
      const text = `Failed to invoke '${target}' due to an error on the server. HubException: Method does not exist.`;
      expect(await failureOf(connection.invoke(target))).toContain(text);
      expect(
        await failureOf(
          new Promise((complete, error) => {
            connection
              .stream(target)
              .subscribe({ next: () => undefined, complete: () => complete(0), error });
          }),
        ),
      ).toContain(text);
    }
    const upload = new Subject<number>();
    expect(await failureOf(connection.invoke('nobody.sum', upload))).toContain('Method does not exist.');
    expect(await connection.invoke('chatHub.who')).toBe('chat');
  });

  test('errors have the name that was called, and the details that the hub gives', async () => {
    const connection = await start(build(''));
    expect(await failureOf(connection.invoke('chathub.FAIL'))).toBe(
      `An unexpected error occurred invoking 'chatHub.fail' on the server.`,
    );
    expect(await failureOf(connection.invoke('stock.fail'))).toBe(
      `An unexpected error occurred invoking 'stock.fail' on the server. Error: secret`,
    );
    expect(await failureOf(connection.invoke('stock.join'))).toContain(`Failed to invoke 'stock.join'`);
  });

  test('connections of one hub and of several, of both families, are in one group', async () => {
    const shared = await start(build(''));
    const alone = await RawCoreClient.connect(`${app.url}/signalr/chatHub`);
    const classic = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['chathub'] });
    const heard = listen(shared, 'chatHub');
    await shared.invoke('chatHub.join', 'mixed');
    await alone.invoke('join', 'mixed');
    await classic.invoke('chathub', 'join', 'mixed');
    await alone.invoke('toGroup', 'mixed', 'hi');
    expect(await heard.next('the shared one')).toBe('chatHub: hi');
    await shared.invoke('chatHub.toGroup', 'mixed', 'ho');
    const alones = async (): Promise<unknown> => {
      for (;;) {
        const { target, arguments: args } = await alone.next();
        if (target !== undefined) {
          return [target, args];
        }
      }
    };
    expect(await alones()).toEqual(['hear', ['ho']]);
    expect(await heard.next('the shared one')).toBe('chatHub: ho');
    const { M = [] } = await classic.nextFrame('the classic one');
    expect(M).toContainEqual(expect.objectContaining({ H: 'ChatHub', M: 'hear' }));
    alone.close();
    await classic.abort();
  });

  test('a socket that is lost is replaced, and nothing is with it', async () => {
    const lines = new LineBreaker(app);
    const connection = await start(build('?hubs=chatHub,stock').withStatefulReconnect());
    const heard = listen(connection, 'chatHub', 'stock');
    expect(await eventsOf(connection.connectionId, 2)).toEqual(['chat connected', 'stock connected']);
    lines.breakAll();
    await app.app.get(HubContextRegistry).get(StockHub).clients.all.invoke('hear', 'while away');
    await connection.invoke('chatHub.toCaller', 'back');
    expect([await heard.next('first'), await heard.next('second')]).toEqual([
      'stock: while away',
      'chatHub: back',
    ]);
    const { connectionId } = connection;
    expect(sharedEvents.pending.filter(({ id }) => id === connectionId)).toEqual([]);
  });

  test('the types of a hub go over its part of a connection', async () => {
    const connection = await start(build(''));
    const chat = hubProxy<ChatHub>(hubOf(connection, 'chatHub'));
    const heard = new Inbox<string>();
    const stop = chat.on('hear', (text) => heard.put(text));
    expect(await chat.server.who()).toBe('chat');
    await chat.server.toCaller('typed');
    expect(await heard.next('the call')).toBe('typed');
    stop();
    await chat.server.toCaller('unheard');
    expect(heard.pending).toEqual([]);
    const items: string[] = [];
    await new Promise<void>((complete, error) => {
      chat.stream.count(2).subscribe({ next: (item) => items.push(item), complete, error });
    });
    expect(items).toEqual(['chat 0', 'chat 1']);
  });

  describe('which hubs', () => {
    const admin = { 'x-role': 'admin' };
    const negotiate = async (query: string, headers: Record<string, string> = {}): Promise<number> =>
      (await http('POST', `${url}/negotiate${query}`, { headers })).status;

    test('those that are named, in any case and more than once', async () => {
      const client = await RawCoreClient.connect(url, {}, 'hubs=STOCK,+stock,');
      expect(await eventsOf(client.connectionId, 1)).toEqual(['stock connected']);
      expect(await client.invoke('stock.who')).toMatchObject({ result: 'stock' });
      expect(await client.invoke('chatHub.who')).toMatchObject({
        error: expect.stringContaining('Method does not exist.'),
      });
      await app.app.get(HubContextRegistry).get(ChatHub).clients.all.invoke('hear', 'not for it');
      await app.app.get(HubContextRegistry).get(StockHub).clients.all.invoke('hear', 'for it');
      expect(await client.next()).toMatchObject({ target: 'stock.hear', arguments: ['for it'] });
      client.close();
    });

    test('one that does not exist is not found', async () => {
      expect(await negotiate('?hubs=stock,nobody')).toBe(404);
      expect((await refusedUpgrade(`${url}?hubs=nobody`)).status).toBe(404);
    });

    test('one that is named must let the client in', async () => {
      expect(await negotiate('?hubs=chatHub,admin')).toBe(401);
      expect(await negotiate('?hubs=chatHub,admin&user=ann')).toBe(403);
      expect(await negotiate('?hubs=chatHub,admin', admin)).toBe(200);
      expect((await refusedUpgrade(`${url}?hubs=chatHub,admin`)).status).toBe(401);
    });

    test('if none is named, all that let the client in', async () => {
      const some = await RawCoreClient.connect(url);
      expect(await eventsOf(some.connectionId, 2)).toEqual(['chat connected', 'stock connected']);
      const all = await RawCoreClient.connect(url, admin);
      expect(await eventsOf(all.connectionId, 3)).toEqual([
        'admin connected',
        'chat connected',
        'stock connected',
      ]);
      expect(await all.invoke('admin.who')).toMatchObject({ result: 'admin' });
      await app.app.get(HubContextRegistry).get(AdminHub).clients.all.invoke('hear', 'secret');
      await app.app.get(HubContextRegistry).get(ChatHub).clients.all.invoke('hear', 'open');
      expect(await all.next()).toMatchObject({ target: 'admin.hear' });
      expect(await some.next()).toMatchObject({ target: 'chatHub.hear', arguments: ['open'] });
      some.close();
      all.close();
    });

    test('a request that a hub of the connection does not let in does not reach it', async () => {
      const client = await RawCoreClient.connect(url, admin, '', 'LongPolling');
      await eventsOf(client.connectionId, 3);
      const request = `${url}?id=${client.token}`;
      const call = `{"type":1,"invocationId":"x","target":"admin.who","arguments":[]}\u001e`;
      expect((await http('POST', request, { body: call })).status).toBe(403);
      expect((await http('GET', request)).status).toBe(403);
      expect((await http('DELETE', request)).status).toBe(403);
      expect((await http('POST', `${request}&hubs=chatHub`, { body: call, headers: admin })).status).toBe(
        403,
      );
      expect(await client.invoke('admin.who')).toMatchObject({ result: 'admin' });
      client.close();
    });

    test('a hub that does not want the client ends the connection, and the others are told', async () => {
      const client = await RawCoreClient.connect(url, {}, 'unwanted=stock');
      expect(await client.next()).toMatchObject({ type: 7, error: 'Connection closed with an error.' });
      expect(await eventsOf(client.connectionId, 2)).toEqual(['chat connected', 'chat disconnected false']);
      await client.line.ended;
    });
  });
});

describe('the url of several hubs', () => {
  test('is not there unless it is asked for', async () => {
    const app = await startApp({ hubs });
    expect((await http('POST', `${app.url}/signalr/all/negotiate?negotiateVersion=1`)).status).toBe(404);
    await app.close();
  });

  test('may offer some hubs, under the global prefix and with options of its own', async () => {
    const app = await startApp({
      hubs,
      signalr: {
        useGlobalPrefix: true,
        multiplex: { path: '/all', hubs: [ChatHub, 'STOCK', 'stock'], transports: ['WebSockets'] },
      },
      configure: (nest) => nest.setGlobalPrefix('api'),
    });
    const url = `${app.url}/api/all`;
    const { availableTransports } = await RawCoreClient.negotiate(url);
    expect(availableTransports.map(({ transport }) => transport)).toEqual(['WebSockets']);
    expect(
      (await http('POST', `${url}/negotiate?hubs=admin`, { headers: { 'x-role': 'admin' } })).status,
    ).toBe(404);
    const client = await RawCoreClient.connect(url, { 'x-role': 'admin' });
    expect(await client.invoke('stock.who')).toMatchObject({ result: 'stock' });
    client.close();
    await app.close();
  });

  test.each<[string, SignalRModuleOptions, string, string]>([
    [
      'a path that cannot be one',
      { multiplex: { path: 'all' } },
      'SIGNALR_OPTION_INVALID',
      `'multiplex.path': must start`,
    ],
    ['no path', { multiplex: {} as never }, 'SIGNALR_OPTION_INVALID', `'multiplex.path': must start`],
    [
      'the path of a hub',
      { multiplex: { path: '/signalr/stock' } },
      'SIGNALR_OPTION_INVALID',
      `is used by hub 'stock'.`,
    ],
    [
      'a hub that does not exist',
      { multiplex: { path: '/all', hubs: ['nobody'] } },
      'SIGNALR_HUB_UNKNOWN',
      `'nobody' Hub`,
    ],
    [
      'hubs that are none',
      { multiplex: { path: '/all', hubs: [1 as never] } },
      'SIGNALR_OPTION_INVALID',
      'hub classes or names',
    ],
    [
      'no Core clients',
      { core: false, multiplex: { path: '/all' } },
      'SIGNALR_OPTION_INVALID',
      'needs Core clients',
    ],
    [
      'a protocol that is not there',
      { multiplex: { path: '/all', supportedProtocols: ['xml'] } },
      'SIGNALR_OPTION_INVALID',
      `multiplex wants 'xml'`,
    ],
  ])('fails the start with %s', async (_what, signalr, code, message) => {
    await expect(startApp({ hubs, signalr })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });
});
