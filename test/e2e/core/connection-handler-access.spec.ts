import {
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  HttpException,
  Injectable,
  Scope,
  type Type,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type ConnectionContext,
  ConnectionHandler,
  type ConnectionHandlerOptions,
  Hub,
  PersistentConnection,
  SignalRConnectionHandler,
  SignalRHub,
  SignalRPersistentConnection,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawCoreClient } from '../../support/core-client.js';
import { coreTransports, openLine } from '../../support/core-lines.js';
import { http, refusedUpgrade } from '../../support/http.js';
import { Inbox } from '../../support/inbox.js';

const users = new Inbox<unknown>();

/** Refuses as a header says, and else knows who is calling. */
@Injectable()
class HeaderGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<IncomingMessage & { user?: unknown }>();
    const how = request.headers['x-how'];
    if (how === 'unauthorized') {
      throw new UnauthorizedException();
    }
    if (how === 'forbidden') {
      request.user = 'ann';
      throw new ForbiddenException();
    }
    if (how === 'teapot') {
      throw new HttpException('short and stout', 418);
    }
    if (how === 'broken') {
      throw new Error('the guard is broken');
    }
    request.user = request.headers['x-user'];
    return how === undefined && context.getClass() === GuardedHandler;
  }
}

@ConnectionHandler('/guarded')
@UseGuards(HeaderGuard)
class GuardedHandler extends SignalRConnectionHandler {
  override onConnected({ user }: ConnectionContext): void {
    users.put(user);
  }

  override onReceived(): void {}
}

@ConnectionHandler('/open')
class OpenHandler extends SignalRConnectionHandler {
  override onReceived(connection: ConnectionContext, data: string): unknown {
    return connection.send(data);
  }
}

@Hub('chat')
class ChatHub extends SignalRHub {}

describe.each(platforms)('who may connect to handlers on %s', (platform) => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [ChatHub], providers: [GuardedHandler, OpenHandler] });
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged.filter((line) => !line.includes('the guard is broken'))).toEqual([]);
  });

  test.each([
    ['unauthorized', 401],
    ['forbidden', 403],
    ['no', 401],
    ['teapot', 418],
    ['broken', 500],
  ])('guards of the class are asked on every request: %s', async (how, status) => {
    const headers = { 'x-how': how };
    const { connectionToken } = await RawCoreClient.negotiate(`${app.url}/guarded`);
    const url = `${app.url}/guarded?id=${connectionToken}`;
    const answers = await Promise.all([
      http('POST', `${app.url}/guarded/negotiate`, { headers }),
      http('GET', url, { headers }),
      http('GET', url, { headers: { ...headers, Accept: 'text/event-stream' } }),
      http('POST', url, { headers }),
      http('DELETE', url, { headers }),
      refusedUpgrade(url, headers),
    ]);
    expect(answers.map((answer) => [answer.status, answer.body])).toEqual(answers.map(() => [status, '']));
  });

  test.each(coreTransports)(
    'the user that a guard finds is that of the connection, over %s',
    async (transport) => {
      const headers = { 'x-user': 'ann' };
      const { connectionToken } = await RawCoreClient.negotiate(`${app.url}/guarded`, undefined, headers);
      const url = `${app.url}/guarded?id=${connectionToken}`;
      const line = await openLine(transport, url, headers);
      expect(await users.next('the user')).toBe('ann');
      const stranger = { headers: { 'x-user': 'bob' } };
      expect((await http('POST', url, stranger)).status).toBe(403);
      expect((await http('GET', url, stranger)).status).toBe(403);
      line.close();
    },
  );

  test('a token is good for its path only', async () => {
    for (const [from, to] of [
      ['/open', '/guarded'],
      ['/open', '/signalr/chat'],
      ['/signalr/chat', '/open'],
    ]) {
      const { connectionToken } = await RawCoreClient.negotiate(app.url + from);
      expect(await http('GET', `${app.url}${to}?id=${connectionToken}`)).toMatchObject({
        status: 404,
        body: 'No Connection with that ID',
      });
    }
  });

  test('paths match in any case, and bodies of any type are taken as they are', async () => {
    const { connectionToken } = await RawCoreClient.negotiate(`${app.url}/OPEN`);
    const url = `${app.url}/Open?id=${connectionToken}`;
    await http('GET', url);
    for (const type of [
      'application/json',
      'application/x-www-form-urlencoded',
      'text/plain;charset=UTF-8',
    ]) {
      const answer = await http('POST', url, { body: '{a=b&c', headers: { 'Content-Type': type } });
      expect(answer).toMatchObject({ status: 200, body: '' });
      expect((await http('GET', url)).body).toBe('{a=b&c');
    }
    await http('DELETE', url);
  });

  test('authentication may be required of all', async () => {
    const strict = await startApp({
      platform,
      hubs: [],
      providers: [OpenHandler],
      signalr: { requireAuthentication: true, authenticate: ({ headers }) => headers['x-user'] },
    });
    const url = `${strict.url}/open/negotiate`;
    expect((await http('POST', url)).status).toBe(401);
    expect((await http('POST', url, { headers: { 'x-user': 'ann' } })).status).toBe(200);
    await strict.close();
  });

  test('the global prefix stands before its path, if it is used', async () => {
    const prefixed = await startApp({
      platform,
      hubs: [],
      providers: [OpenHandler],
      signalr: { useGlobalPrefix: true },
      configure: (nest) => nest.setGlobalPrefix('api'),
    });
    expect((await http('POST', `${prefixed.url}/api/open/negotiate`)).status).toBe(200);
    expect((await http('POST', `${prefixed.url}/open/negotiate`)).status).toBe(404);
    await prefixed.close();
  });

  test('without Core clients there are no connection handlers', async () => {
    const classic = await startApp({
      platform,
      hubs: [],
      providers: [OpenHandler],
      signalr: { core: false },
    });
    expect((await http('POST', `${classic.url}/open/negotiate`)).status).toBe(404);
    await classic.close();
  });
});

/** A connection handler at a path. */
function handlerAt(path: string, options?: ConnectionHandlerOptions): Type {
  class SomeHandler extends SignalRConnectionHandler {
    override onReceived(): void {}
  }
  ConnectionHandler(path, options)(SomeHandler);
  return SomeHandler;
}

describe('connection handlers that cannot work fail the start', () => {
  @ConnectionHandler('/other')
  class NoBase {}

  @Injectable({ scope: Scope.REQUEST })
  class PerRequest implements CanActivate {
    canActivate(): boolean {
      return true;
    }
  }

  @ConnectionHandler('/scoped')
  class Scoped extends SignalRConnectionHandler {
    constructor(readonly dependency: PerRequest) {
      super();
    }

    override onReceived(): void {}
  }

  @PersistentConnection('/classic')
  class ClassicConnection extends SignalRPersistentConnection {}

  test.each([
    [
      'no slash',
      [handlerAt('feed')],
      'SIGNALR_CONNECTION_PATH',
      `@ConnectionHandler('feed') of SomeHandler: must start with a slash and end without one.`,
    ],
    [
      'the path of another one',
      [handlerAt('/feed'), handlerAt('/FEED')],
      'SIGNALR_CONNECTION_PATH',
      `@ConnectionHandler('/FEED') of SomeHandler: '/FEED' is used by SomeHandler.`,
    ],
    [
      'the negotiation of another one',
      [handlerAt('/feed'), handlerAt('/feed/negotiate')],
      'SIGNALR_CONNECTION_PATH',
      `'/feed/negotiate' is used by SomeHandler.`,
    ],
    [
      'the path of a hub',
      [handlerAt('/signalr/chat')],
      'SIGNALR_CONNECTION_PATH',
      `'/signalr/chat' is used by hub 'chat'.`,
    ],
    [
      'the base path',
      [handlerAt('/signalr')],
      'SIGNALR_CONNECTION_PATH',
      `'/signalr' is used by classic clients.`,
    ],
    [
      'the negotiation of classic clients',
      [handlerAt('/signalr/negotiate')],
      'SIGNALR_CONNECTION_PATH',
      'is used by classic clients.',
    ],
    [
      'the path of a persistent connection',
      [ClassicConnection, handlerAt('/classic')],
      'SIGNALR_CONNECTION_PATH',
      `'/classic' is used by ClassicConnection.`,
    ],
    [
      'what a persistent connection needs',
      [ClassicConnection, handlerAt('/classic/start')],
      'SIGNALR_CONNECTION_PATH',
      `'/classic/start' is used by ClassicConnection.`,
    ],
    [
      'no base class',
      [NoBase],
      'SIGNALR_CONNECTION_TYPE',
      'NoBase has @ConnectionHandler(), so it must extend SignalRConnectionHandler.',
    ],
    [
      'a dependency that is request-scoped',
      [Scoped, PerRequest],
      'SIGNALR_CONNECTION_SCOPED',
      'Scoped: one object',
    ],
    [
      'a global guard that is request-scoped, which would be skipped',
      [handlerAt('/feed'), { provide: APP_GUARD, useClass: PerRequest }],
      'SIGNALR_CONNECTION_SCOPED',
      'SomeHandler: one object',
    ],
    [
      'an option that does not exist',
      [handlerAt('/feed', { keepAliveInterval: 1 } as ConnectionHandlerOptions)],
      'SIGNALR_OPTION_UNKNOWN',
      `'@ConnectionHandler('/feed').keepAliveInterval' does not exist`,
    ],
    [
      'an option that cannot work',
      [handlerAt('/feed', { outbox: { maxBytes: 0 } })],
      'SIGNALR_OPTION_INVALID',
      `'@ConnectionHandler('/feed').outbox.maxBytes'`,
    ],
    [
      'bytes over event streams',
      [handlerAt('/feed', { transferFormat: 'Binary', transports: ['ServerSentEvents'] })],
      'SIGNALR_OPTION_INVALID',
      'ServerSentEvents carries no bytes',
    ],
  ] as const)('%s', async (_what, providers, code, message) => {
    await expect(startApp({ hubs: [ChatHub], providers: [...providers] })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });
});
