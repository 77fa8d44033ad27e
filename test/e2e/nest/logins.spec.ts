import * as signalR from '@microsoft/signalr';
import { Body, Controller, HttpCode, Injectable, Post, Req, UseGuards } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import session from 'express-session';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getHubContextToken, Hub, HubMethod, type IHubContext, SignalRHub } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { coreTransports } from '../../support/core-lines.js';
import { http, refusedUpgrade } from '../../support/http.js';
import { HttpStream } from '../../support/http-stream.js';
import {
  ANN,
  ANN_CLAIMS,
  AuthModule,
  JwtAuthGuard,
  SecuredHub,
  tokenPlaces,
  watchTokens,
} from '../../support/jwt-login.js';
import { RawWebSocket } from '../../support/web-socket.js';

describe.each(platforms)('passport with JWT in front of hubs, on %s', (platform) => {
  let app: TestApp;
  let url: string;
  let token: string;
  let bearer: Record<string, string>;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [SecuredHub], imports: [AuthModule], providers: [JwtAuthGuard] });
    url = `${app.url}/signalr`;
    token = app.app.get(JwtService).sign(ANN_CLAIMS);
    bearer = { Authorization: `Bearer ${token}` };
  });

  afterAll(async () => {
    const closing = app.close();
    // The client opens lines ahead that it never uses; a server would wait until it gives them up.
    (app.app.getHttpServer() as Server).closeAllConnections();
    await closing;
    expect(app.logged).toEqual([]);
  });

  test('without a token, or with another one, nobody gets in', async () => {
    const forged = app.app.get(JwtService).sign({ sub: 'a1' }, { secret: 'another secret' });
    const attempts: Record<string, string>[] = [
      {},
      { Authorization: 'Bearer x' },
      { Authorization: `Bearer ${forged}` },
    ];
    for (const headers of attempts) {
      const classic = `${url}/negotiate?connectionData=[{"name":"secured"}]`;
      expect((await http('GET', classic, { headers })).status).toBe(401);
      const core = await http('POST', `${url}/secured/negotiate`, {
        headers,
      });
      expect(core.status).toBe(401);
      expect((await refusedUpgrade(`${url}/secured`, headers)).status).toBe(401);
    }
  });

  test.each(coreTransports)(
    '[core 181] the Core client with an accessTokenFactory, over %s',
    async (name) => {
      const places = watchTokens(app);
      const connection = new signalR.HubConnectionBuilder()
        .withUrl(`${url}/secured`, {
          transport: signalR.HttpTransportType[name],
          accessTokenFactory: () => token,
        })
        .configureLogging(signalR.LogLevel.None)
        .build();
      await connection.start();
      expect(await connection.invoke('who')).toEqual(ANN);
      const hub = app.app.get<IHubContext<SecuredHub>>(getHubContextToken(SecuredHub), { strict: false });
      const heard = new Promise((resolve) => connection.on('hear', resolve));
      await hub.clients.user('a1').hear('by user id');
      expect(await heard).toBe('by user id');
      await connection.stop();
      expect(places).toEqual(tokenPlaces.Node[name]);
    },
  );

  test('a classic client with its token in the header', async () => {
    const client = await RawClassicClient.connect(url, { hubs: ['secured'], headers: bearer });
    expect((await client.invoke('secured', 'who')).R).toEqual(ANN);
    const data = encodeURIComponent(JSON.stringify({ H: 'secured', M: 'who', A: [], I: 0 }));
    const query = client.query().replace('webSockets', 'longPolling');
    const sent = await http('POST', `${url}/send?${query}`, { headers: bearer, body: `data=${data}` });
    expect(JSON.parse(sent.body)).toEqual({ R: ANN, I: '0' });
    expect((await client.request('abort', 'POST', '')).status).toBe(200);
  });

  test('a classic client with its token in the query, where browsers cannot set headers', async () => {
    const client = await RawClassicClient.negotiate(url, { hubs: ['secured'], headers: bearer });
    const query = client.query(`access_token=${token}`);
    const socket = await RawWebSocket.open(`${url.replace('http', 'ws')}/connect?${query}`);
    expect(await socket.nextText('the init message')).toContain('"S":1');
    const stream = await HttpStream.open(
      'GET',
      `${url}/connect?${query.replace('webSockets', 'serverSentEvents')}`,
      { headers: { Accept: 'text/event-stream' } },
    );
    await stream.contains('"S":1');
    // Any other request has to bring it where requests have it.
    expect((await http('GET', `${url}/start?${query}`)).status).toBe(401);
    expect((await client.abort()).status).toBe(200);
    await stream.ended;
  });

  test('a token of somebody else does not continue a connection', async () => {
    const raw = await RawClassicClient.negotiate(url, { hubs: ['secured'], headers: bearer });
    const eve = app.app.get(JwtService).sign({ sub: 'e1', username: 'eve' });
    const answer = await http('GET', `${url}/start?${raw.query()}`, {
      headers: { Authorization: `Bearer ${eve}` },
    });
    expect(answer).toMatchObject({
      status: 403,
      body: expect.stringContaining('Unrecognized user identity.'),
    });
  });
});

interface SessionRequest extends IncomingMessage {
  session: { user?: { name: string } };
  user?: unknown;
}

@Controller()
class LoginController {
  @Post('login')
  @HttpCode(204)
  login(@Req() request: SessionRequest, @Body() { name }: { name: string }): void {
    request.session.user = { name };
  }
}

@Injectable()
class SessionGuard {
  canActivate(context: { switchToHttp(): { getRequest(): { user?: unknown } } }): boolean {
    return context.switchToHttp().getRequest().user !== undefined;
  }
}

@Hub('members')
@UseGuards(SessionGuard)
class MembersHub extends SignalRHub {
  @HubMethod()
  who(): unknown {
    return this.context.user;
  }
}

describe('express-session in front of hubs', () => {
  const middleware = session({ secret: 'cookies', resave: false, saveUninitialized: false });
  let app: TestApp;
  let url: string;

  /** Sessions are middleware, which upgrades do not pass: the option runs it for them. */
  const userOf = (request: IncomingMessage): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const { session: present } = request as Partial<SessionRequest>;
      if (present !== undefined) {
        resolve(present.user);
        return;
      }
      const response = { on: () => response, end: () => response } as never;
      (
        middleware as unknown as (
          ...args: [...Parameters<RequestListener>, (error?: unknown) => void]
        ) => void
      )(request, response, (error) =>
        error === undefined ? resolve((request as SessionRequest).session.user) : reject(error as Error),
      );
    });

  beforeAll(async () => {
    app = await startApp({
      hubs: [MembersHub],
      controllers: [LoginController],
      signalr: { authenticate: userOf },
      configure: (nest) => nest.use(middleware),
    });
    url = `${app.url}/signalr`;
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  test('who has logged in connects and calls, over requests and sockets, with both clients', async () => {
    const login = await http('POST', `${app.url}/login`, {
      headers: { 'Content-Type': 'application/json' },
      body: '{"name":"ann"}',
    });
    const cookie = login.headers['set-cookie']?.[0]?.split(';')[0] as string;
    const headers = { Cookie: cookie };

    expect((await http('POST', `${url}/members/negotiate`)).status).toBe(401);
    const classic = await RawClassicClient.connect(url, { hubs: ['members'], headers });
    expect((await classic.invoke('members', 'who')).R).toEqual({ name: 'ann' });
    await classic.abort();

    const connection = new signalR.HubConnectionBuilder()
      .withUrl(`${url}/members`, { headers })
      .configureLogging(signalR.LogLevel.None)
      .build();
    await connection.start();
    expect(await connection.invoke('who')).toEqual({ name: 'ann' });
    await connection.stop();
  });
});
