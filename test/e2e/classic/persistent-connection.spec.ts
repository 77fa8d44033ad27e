import {
  type CanActivate,
  ForbiddenException,
  Injectable,
  Scope,
  UnauthorizedException,
  UseGuards,
  type ExecutionContext,
} from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { APP_GUARD } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  type HubRequest,
  InjectPersistentConnectionContext,
  type IPersistentConnectionContext,
  PersistentConnection,
  PersistentConnectionRegistry,
  SignalRHub,
  SignalRPersistentConnection,
  Hub,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { type ClassicFrame, RawClassicClient } from '../../support/classic-client.js';
import { classicTransports, TransportClient } from '../../support/classic-transports.js';
import { http } from '../../support/http.js';
import { Inbox } from '../../support/inbox.js';

interface Happening {
  readonly what: string;
  readonly connectionId: string;
  readonly detail?: unknown;
}

const happenings = new Inbox<Happening>();

/** The next happening of a connection. */
const next = (connectionId: string): Promise<Happening> =>
  happenings.nextWhere(`something of ${connectionId}`, (happened) => happened.connectionId === connectionId);

@PersistentConnection('/echo.v1')
class EchoConnection extends SignalRPersistentConnection {
  override async onConnected({ query }: HubRequest, connectionId: string): Promise<void> {
    happenings.put({ what: 'connected', connectionId, detail: query.get('name') });
    await this.connection.send(connectionId, { welcome: connectionId });
  }

  override onReconnected(_request: HubRequest, connectionId: string): void {
    happenings.put({ what: 'reconnected', connectionId });
  }

  override async onReceived(_request: HubRequest, connectionId: string, data: string): Promise<void> {
    happenings.put({ what: 'received', connectionId, detail: data });
    const [command, argument = ''] = data.split(':');
    switch (command) {
      case 'join':
        return this.groups.add(connectionId, argument);
      case 'leave':
        return this.groups.remove(connectionId, argument);
      case 'group':
        return this.groups.send(argument, `to ${argument}`);
      case 'others':
        return this.connection.broadcast('to others', connectionId);
      case 'fail':
        throw new Error('the receiver failed');
      default:
        return this.connection.broadcast(data);
    }
  }

  override onDisconnected(_request: HubRequest, connectionId: string, stopCalled: boolean): void {
    happenings.put({ what: 'disconnected', connectionId, detail: stopCalled });
  }
}

/** Lets go of one group, and lets in by header. */
@PersistentConnection('/signalr/picky')
class PickyConnection extends SignalRPersistentConnection {
  static rejoined: (readonly string[])[] = [];

  override authorizeRequest({ headers }: HubRequest): boolean {
    return headers['x-secret'] === 'open';
  }

  override onRejoiningGroups(_request: HubRequest, groups: readonly string[]): string[] {
    PickyConnection.rejoined.push(groups);
    return groups.filter((group) => group !== 'dropped');
  }

  override async onReceived(_request: HubRequest, connectionId: string, data: string): Promise<void> {
    for (const group of data.split(',')) {
      await this.groups.add(connectionId, group);
    }
  }
}

@Injectable()
class NobodyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<IncomingMessage>();
    if (headers['x-how'] === 'unauthorized') {
      throw new UnauthorizedException();
    }
    if (headers['x-how'] === 'forbidden') {
      throw new ForbiddenException();
    }
    return headers['x-how'] === undefined;
  }
}

@PersistentConnection('/guarded')
@UseGuards(NobodyGuard)
class GuardedConnection extends SignalRPersistentConnection {}

@Hub('chat')
class ChatHub extends SignalRHub {}

@Injectable()
class Reporter {
  constructor(
    @InjectPersistentConnectionContext(EchoConnection) readonly echo: IPersistentConnectionContext,
  ) {}
}

/** The answer of a /send: an empty body without a type. */
const NOTHING = { status: 200, body: '', type: undefined as string | undefined };

const connections = [EchoConnection, PickyConnection, GuardedConnection];

describe.each(platforms)('persistent connections on %s', (platform) => {
  let app: TestApp;
  let url: string;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [ChatHub],
      providers: [...connections, Reporter],
      signalr: { authenticate: ({ headers }) => headers['x-user'] },
    });
    url = `${app.url}/echo.v1`;
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged.filter((line) => !line.includes('the receiver failed'))).toEqual([]);
  });

  afterEach(() => happenings.clear());

  const values = async (client: TransportClient): Promise<readonly unknown[]> => {
    const { M = [] } = await client.nextFrame(({ M: messages }: ClassicFrame) => (messages ?? []).length > 0);
    return M;
  };

  async function open(transport: (typeof classicTransports)[number]): Promise<TransportClient> {
    const client = new TransportClient(await RawClassicClient.negotiate(url), transport);
    await client.connect();
    const query = client.client.query().replace('webSockets', transport);
    expect(JSON.parse((await http('GET', `${url}/start?${query}&name=ann`)).body)).toEqual({
      Response: 'started',
    });
    expect(await next(client.connectionId)).toMatchObject({ what: 'connected', detail: 'ann' });
    expect(await values(client)).toEqual([{ welcome: client.connectionId }]);
    return client;
  }

  /** What a /send is answered with. */
  async function send({ client, transport }: TransportClient, data: string): Promise<typeof NOTHING> {
    const query = client.query().replace('webSockets', transport);
    const body = `data=${encodeURIComponent(data)}`;
    const answer = await http('POST', `${url}/send?${query}`, { body });
    return { status: answer.status, body: answer.body, type: answer.headers['content-type'] };
  }

  test.each(classicTransports)(
    '[classic 217] raw texts in, values out, a /send that answers nothing, over %s',
    async (transport) => {
      const client = await open(transport);
      const data = 'a "raw" text + & % ü 😀';
      const sent = transport === 'webSockets' ? client.client.socket.send(data) : await send(client, data);
      expect(sent ?? NOTHING).toEqual(NOTHING);
      expect(await next(client.connectionId)).toMatchObject({ what: 'received', detail: data });
      expect(await values(client)).toEqual([data]);
      await client.end();
      expect(await next(client.connectionId)).toMatchObject({ what: 'disconnected', detail: true });
    },
  );

  test.each(['serverSentEvents', 'longPolling'] as const)(
    'groups last over a reconnect, and what was said meanwhile arrives, over %s',
    async (transport) => {
      const client = await open(transport);
      await send(client, 'join:a.b');
      await client.nextFrame(({ G }) => G !== undefined);
      await client.drop();
      const reporter = app.app.get(Reporter);
      await reporter.echo.groups.send('a.b', 'while away');
      await reporter.echo.groups.send(['a.b', 'A.B'], 'in one of two', 'nobody');
      await client.reconnect();
      expect(await values(client)).toEqual(['while away', 'in one of two']);
      await send(client, 'leave:a.b');
      await client.nextFrame(({ G }) => G !== undefined);
      await reporter.echo.groups.send('a.b', 'too late');
      await reporter.echo.connection.send([client.connectionId], 'the end');
      expect(await values(client)).toEqual(['the end']);
      await client.end();
    },
  );

  test('a connection can be left out of a broadcast', async () => {
    const [first, second] = [await open('serverSentEvents'), await open('serverSentEvents')];
    await send(first, 'others');
    await app.app.get(PersistentConnectionRegistry).get(EchoConnection).connection.broadcast('to all');
    expect([await values(second), await values(second)].flat()).toEqual(['to others', 'to all']);
    expect(await values(first)).toEqual(['to all']);
    await first.end();
    await second.end();
  });

  test('a receiver that fails: 500 for a request, nothing over a socket, which stays open', async () => {
    const client = await open('serverSentEvents');
    expect((await send(client, 'fail')).status).toBe(500);
    expect((await http('POST', `${url}/send?${client.client.query()}`, { body: 'x=1' })).status).toBe(500);
    await client.end();
    const socket = await RawClassicClient.connect(url);
    await socket.nextFrame('the welcome');
    socket.socket.send('fail');
    socket.socket.send('still here');
    expect((await socket.nextFrame('the echo')).M).toEqual(['still here']);
    await socket.abort();
  });

  test('values of hubs and of other connections do not reach it, nor does its token open them', async () => {
    const client = await open('serverSentEvents');
    const token = encodeURIComponent(client.client.negotiation.ConnectionToken);
    for (const other of [`${app.url}/signalr`, `${app.url}/guarded`]) {
      const answer = await http(
        'GET',
        `${other}/connect?transport=serverSentEvents&connectionToken=${token}`,
      );
      expect(answer).toMatchObject({ status: 400, body: 'The ConnectionId is in the incorrect format.' });
    }
    await app.app
      .get(PersistentConnectionRegistry)
      .get(GuardedConnection)
      .connection.broadcast('not for you');
    await app.app
      .get(PersistentConnectionRegistry)
      .get(EchoConnection)
      .connection.send(client.connectionId, 'for you');
    expect(await values(client)).toEqual(['for you']);
    await client.end();
  });

  test('the global prefix stands before its path as well, if it is used', async () => {
    const prefixed = await startApp({
      platform,
      hubs: [],
      providers: [EchoConnection],
      signalr: { useGlobalPrefix: true },
      configure: (nest) => nest.setGlobalPrefix('api'),
    });
    const { negotiation } = await RawClassicClient.negotiate(`${prefixed.url}/api/echo.v1`);
    expect(negotiation.Url).toBe('/api/echo.v1');
    expect((await http('GET', `${prefixed.url}/echo.v1/negotiate`)).status).toBe(404);
    await prefixed.close();
  });

  test('negotiate names its own url, and there is no generated proxy', async () => {
    const { negotiation } = await RawClassicClient.negotiate(url);
    expect(negotiation.Url).toBe('/echo.v1');
    expect((await http('GET', `${url}/hubs`)).status).toBe(400);
  });

  test('authorizeRequest refuses with 401, or 403 for who is known, on every request', async () => {
    const picky = `${app.url}/signalr/picky`;
    expect(await http('GET', `${picky}/negotiate`)).toMatchObject({ status: 401, body: '' });
    const known = await http('GET', `${picky}/negotiate`, { headers: { 'x-user': 'ann' } });
    expect(known).toMatchObject({ status: 403, body: '' });
    const client = await RawClassicClient.connect(picky, { headers: { 'x-secret': 'open' } });
    expect((await http('GET', `${picky}/start?${client.query()}`)).status).toBe(401);
    await client.abort();
  });

  test.each([
    ['unauthorized', 401],
    ['forbidden', 401],
    ['false', 401],
  ])('guards of the class refuse: %s', async (how, status) => {
    const answer = await http('GET', `${app.url}/guarded/negotiate`, { headers: { 'x-how': how } });
    expect(answer).toMatchObject({ status, body: '' });
    expect((await http('GET', `${app.url}/guarded/negotiate`)).status).toBe(200);
  });

  test('onRejoiningGroups chooses, and is asked on every request', async () => {
    PickyConnection.rejoined = [];
    const options = { headers: { 'x-secret': 'open' } };
    const client = await RawClassicClient.connect(`${app.url}/signalr/picky`, options);
    expect(PickyConnection.rejoined).toEqual([[], []]);
    client.socket.send('dropped,kept');
    while (PickyConnection.rejoined.length < 3) {
      await client.nextFrame('a groups token');
      client.socket.destroy();
      await client.socket.closed;
      await client.openSocket('reconnect');
    }
    const { groups, connection } = app.app.get(PersistentConnectionRegistry).get(PickyConnection);
    await groups.send('dropped', 'must not come');
    await connection.broadcast('the end');
    const received: unknown[] = [];
    while (!received.includes('the end')) {
      received.push(...((await client.nextFrame('a value')).M ?? []));
    }
    expect(received).not.toContain('must not come');
    await client.abort();
  });
});

describe('persistent connections that cannot work', () => {
  class Undecorated extends SignalRPersistentConnection {}

  @PersistentConnection('echo')
  class NoSlash extends SignalRPersistentConnection {}

  @PersistentConnection('/signalr')
  class OnHubs extends SignalRPersistentConnection {}

  @PersistentConnection('/signalr/chat')
  class OnHub extends SignalRPersistentConnection {}

  @PersistentConnection('/other')
  class NoBase {}

  @Injectable({ scope: Scope.REQUEST })
  class PerRequest {}

  @PersistentConnection('/scoped')
  class Scoped extends SignalRPersistentConnection {
    constructor(readonly dependency: PerRequest) {
      super();
    }
  }

  test.each([
    [NoSlash, 'SIGNALR_CONNECTION_PATH'],
    [OnHubs, 'SIGNALR_CONNECTION_PATH'],
    [OnHub, 'SIGNALR_CONNECTION_PATH'],
    [NoBase, 'SIGNALR_CONNECTION_TYPE'],
    [Scoped, 'SIGNALR_CONNECTION_SCOPED'],
  ])('%s fails the start', async (type, code) => {
    await expect(startApp({ hubs: [ChatHub], providers: [type, PerRequest] })).rejects.toMatchObject({
      code,
    });
  });

  test('a request-scoped global guard fails the start, since it would be skipped', async () => {
    @PersistentConnection('/guarded')
    class Guarded extends SignalRPersistentConnection {}
    const guard = { provide: APP_GUARD, useClass: PerRequest, scope: Scope.REQUEST };
    await expect(startApp({ hubs: [ChatHub], providers: [Guarded, guard] })).rejects.toMatchObject({
      code: 'SIGNALR_CONNECTION_SCOPED',
    });
  });

  test('using one that was not initialised is an error, and so is asking for an undecorated one', async () => {
    expect(() => new Undecorated().connection).toThrow('The PersistentConnection is not initialized.');
    const app = await startApp({ hubs: [] });
    const registry = app.app.get(PersistentConnectionRegistry);
    expect(() => registry.get(Undecorated)).toThrow('no @PersistentConnection() decorator');
    await app.close();
  });
});
