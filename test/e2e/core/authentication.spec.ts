import { HttpTransportType, HubConnectionBuilder, LogLevel } from '@microsoft/signalr';
import type { IncomingMessage, Server } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  createParamDecorator,
  type CanActivate,
  type ExecutionContext,
  UseGuards,
  UnauthorizedException,
} from '@nestjs/common';
import { Hub, HubContextRegistry, HubMethod, SignalRExecutionContext, SignalRHub } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawCoreClient } from '../../support/core-client.js';
import { coreTransports } from '../../support/core-lines.js';
import { FakeClock } from '../../support/fake-clock.js';
import { http } from '../../support/http.js';
import { deferred, Inbox } from '../../support/inbox.js';

const events = new Inbox<string>();
let gate = deferred();

interface Claims {
  readonly sub: string;
  readonly role?: string;
  readonly exp?: number;
}

/** Tokens that say what they are; nobody checks a signature here. */
const bearer = (claims: Claims): Record<string, string> => ({
  Authorization: `Bearer x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.y`,
});

/** Drops what it does not know, as strategies of passport do. */
class BearerGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (SignalRExecutionContext.create(context).isCall) {
      return true;
    }
    const request = context.switchToHttp().getRequest<IncomingMessage & { user?: unknown }>();
    const payload = request.headers.authorization?.split('.')[1];
    if (payload === undefined) {
      throw new UnauthorizedException();
    }
    const { sub, role } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
    request.user = { sub, role };
    return true;
  }
}

const Trace = createParamDecorator(
  (_, context) => SignalRExecutionContext.create(context).traceContext ?? 'none',
);

/** Looks at the token of the request on calls as well, and sets the user anew, as AuthGuard('jwt') of passport does. */
class EveryTimeGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<IncomingMessage & { user?: unknown }>();
    const payload = request.headers.authorization?.split('.')[1];
    if (payload === undefined) {
      throw new UnauthorizedException();
    }
    request.user = JSON.parse(Buffer.from(payload, 'base64url').toString());
    return true;
  }
}

@Hub('watched')
@UseGuards(EveryTimeGuard)
class WatchedHub extends SignalRHub {
  @HubMethod()
  who(): unknown {
    return this.context.user;
  }

  /** What a guard would find once the method may go on. */
  @HubMethod()
  async tokenLater(): Promise<unknown> {
    events.put('waiting');
    await gate.promise;
    return this.context.headers.authorization;
  }
}

@Hub('guarded')
@UseGuards(BearerGuard)
class GuardedHub extends SignalRHub {
  override onDisconnected(stopCalled: boolean, error?: Error): void {
    events.put(`disconnected ${stopCalled} ${error?.message ?? 'well'}`);
  }

  override onAuthenticationRefreshed(): void {
    events.put(`refreshed ${JSON.stringify(this.context.user)}`);
  }

  @HubMethod()
  whoAndWhat(): unknown {
    const { user, currentUser, queryString } = this.context;
    return { user, currentUser, app: queryString.get('app') };
  }

  @HubMethod()
  trace(@Trace() trace: unknown): unknown {
    return trace;
  }
}

const runs = platforms.flatMap((platform) =>
  coreTransports.map((transport) => [platform, transport] as const),
);

describe.each(runs)('authentication of Core connections on %s over %s', (platform, transport) => {
  const clock = new FakeClock();
  let app: TestApp;
  let lasting: TestApp;

  beforeAll(async () => {
    const hubs = [GuardedHub];
    app = await startApp({
      platform,
      hubs,
      signalr: { clock, core: { closeOnAuthenticationExpiration: true, enableAuthenticationRefresh: true } },
    });
    lasting = await startApp({ platform, hubs, signalr: { clock } });
  });

  beforeEach(() => events.clear());

  afterAll(async () => {
    await app.close();
    await lasting.close();
  });

  const now = (): number => Math.floor((performance.timeOrigin + clock.now()) / 1_000);

  const connect = (to: TestApp, claims: Claims): Promise<RawCoreClient> =>
    RawCoreClient.connect(`${to.url}/signalr/guarded`, bearer(claims), 'app=first', transport);

  test('[core 193] a connection ends with its authentication, if that is wanted', async () => {
    const client = await connect(app, { sub: 'ann', exp: now() + 60 });
    await client.invoke('whoAndWhat');
    await clock.advance(57_000);
    expect(await client.invoke('whoAndWhat')).toMatchObject({ type: 3 });
    await clock.advance(4_000);
    expect(await client.next()).toEqual({ type: 7, allowReconnect: true });
    expect(await events.next('the end')).toBe('disconnected false well');
    client.close();
  });

  test('without that, or without a time, it goes on', async () => {
    const clients = [
      await connect(lasting, { sub: 'ann', exp: now() + 5 }),
      await connect(app, { sub: 'ann' }),
    ];
    await clock.advance(10_000);
    for (const client of clients) {
      expect(await client.invoke('whoAndWhat')).toMatchObject({ result: { user: { sub: 'ann' } } });
      client.close();
    }
  });

  test('[core 20] the query stays that of the first request', async () => {
    const client = await connect(app, { sub: 'ann', role: 'reader' });
    expect((await client.invoke('whoAndWhat')).result).toEqual({
      user: { sub: 'ann', role: 'reader' },
      currentUser: { sub: 'ann', role: 'reader' },
      app: 'first',
    });
    client.close();
  });

  test('a client brings a new token', async () => {
    const hub = `${app.url}/signalr/guarded`;
    const { connectionToken: token, connectionId } = await RawCoreClient.negotiate(
      hub,
      'negotiateVersion=1',
      bearer({ sub: 'ann' }),
    );
    const refresh = async (id: string | undefined, claims: Claims): Promise<readonly [number, unknown]> => {
      const query = id === undefined ? '' : `?id=${id}`;
      const answer = await http('POST', `${hub}/refresh${query}`, { headers: bearer(claims) });
      return [answer.status, JSON.parse(answer.body)];
    };
    expect(await refresh(undefined, { sub: 'ann' })).toEqual([400, { error: 'missing_connection_token' }]);
    expect(await refresh(token, { sub: 'ann' })).toEqual([404, { error: 'connection_not_found' }]);
    expect(await refresh('nonsense', { sub: 'ann' })).toEqual([404, { error: 'connection_not_found' }]);
    expect(connectionId).toBeDefined();
    expect((await http('POST', `${hub}/refresh?id=${token}`)).status).toBe(401);
    expect(
      (await http('GET', `${hub}/refresh?id=${token}`, { headers: bearer({ sub: 'ann' }) })).status,
    ).toBe(405);
    const other = `${lasting.url}/signalr/guarded/refresh?id=${token}`;
    const disabled = await http('POST', other, { headers: bearer({ sub: 'ann' }) });
    expect([disabled.status, disabled.body]).toEqual([404, '{"error":"refresh_disabled"}']);
  });
});

describe.each(platforms)('refreshed authentication on %s', (platform) => {
  test('a connection goes on with the new token', async () => {
    events.clear();
    const clock = new FakeClock();
    const now = Math.floor((performance.timeOrigin + clock.now()) / 1_000);
    const app = await startApp({
      platform,
      hubs: [GuardedHub],
      signalr: { clock, core: { closeOnAuthenticationExpiration: true, enableAuthenticationRefresh: true } },
    });
    const hub = `${app.url}/signalr/guarded`;
    const connection = await RawCoreClient.connect(hub, bearer({ sub: 'ann', exp: now + 60 }));
    const { token } = connection;
    const claims = { sub: 'ann', role: 'writer', exp: now + 600 };
    const answer = await http('POST', `${hub}/refresh?id=${token}`, { headers: bearer(claims) });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      200,
      { tokenLifetimeSeconds: expect.closeTo(600, -1) as number },
    ]);
    expect(await events.next('the event')).toBe('refreshed {"sub":"ann","role":"writer"}');
    const stranger = await http('POST', `${hub}/refresh?id=${token}`, { headers: bearer({ sub: 'eve' }) });
    expect([stranger.status, JSON.parse(stranger.body)]).toEqual([
      403,
      { error: 'permission_change_rejected' },
    ]);
    await clock.advance(120_000);
    expect(await connection.invoke('whoAndWhat')).toMatchObject({ result: { user: { role: 'writer' } } });
    connection.close();
    await app.close();
  });

  test('guards that look at the token on every call find the new one', async () => {
    const app = await startApp({
      platform,
      hubs: [WatchedHub],
      signalr: { core: { enableAuthenticationRefresh: true } },
    });
    const hub = `${app.url}/signalr/watched`;
    const client = await RawCoreClient.connect(hub, bearer({ sub: 'ann', role: 'reader' }));
    expect(await client.invoke('who')).toMatchObject({ result: { role: 'reader' } });
    const headers = bearer({ sub: 'ann', role: 'writer' });
    expect((await http('POST', `${hub}/refresh?id=${client.token}`, { headers })).status).toBe(200);
    expect(await client.invoke('who')).toMatchObject({ result: { role: 'writer' } });
    client.close();
    await app.close();
  });

  test('[core 90] the query is that of the first poll, the current user that of the latest', async () => {
    const app = await startApp({ platform, hubs: [GuardedHub] });
    const hub = `${app.url}/signalr/guarded`;
    const first = bearer({ sub: 'ann', role: 'reader' });
    const { connectionToken } = await RawCoreClient.negotiate(hub, 'negotiateVersion=1', first);
    const url = `${hub}?id=${connectionToken}`;
    await http('GET', `${url}&app=first`, { headers: first });
    const later = bearer({ sub: 'ann', role: 'writer' });
    const poll = http('GET', `${url}&app=second`, { headers: later });
    const call = '{"type":1,"invocationId":"1","target":"whoAndWhat","arguments":[]}\u001e';
    await http('POST', url, { headers: first, body: `{"protocol":"json","version":1}\u001e` });
    expect((await poll).body).toBe('{}\u001e');
    const next = http('GET', `${url}&app=third`, { headers: later });
    await http('POST', url, { headers: first, body: call });
    expect(JSON.parse((await next).body.replace('\u001e', ''))).toMatchObject({
      result: { user: { role: 'reader' }, currentUser: { role: 'writer' }, app: 'first' },
    });
    await app.close();
  });

  test.each(['ServerSentEvents', 'LongPolling'] as const)(
    'guards on calls find the token of the latest request over %s, and never that of somebody else',
    async (transport) => {
      const app = await startApp({ platform, hubs: [WatchedHub] });
      const hub = `${app.url}/signalr/watched`;
      const headers = bearer({ sub: 'ann', role: 'reader' });
      const client = await RawCoreClient.connect(hub, headers, '', transport);
      expect(await client.invoke('who')).toMatchObject({ result: { role: 'reader' } });
      // What the client asks for from now on, it asks for with a new token.
      Object.assign(headers, bearer({ sub: 'ann', role: 'writer' }));
      expect(await client.invoke('who')).toMatchObject({ result: { role: 'writer' } });
      const stranger = { headers: bearer({ sub: 'bob', role: 'admin' }), body: '' };
      expect((await http('POST', `${hub}?id=${client.token}`, stranger)).status).toBe(403);
      expect(await client.invoke('who')).toMatchObject({ result: { sub: 'ann', role: 'writer' } });
      client.close();
      (app.app.getHttpServer() as Server).closeAllConnections();
      await app.close();
    },
  );

  test('guards on calls find the token that a poll has brought', async () => {
    const app = await startApp({ platform, hubs: [WatchedHub] });
    const hub = `${app.url}/signalr/watched`;
    const first = bearer({ sub: 'ann', role: 'reader' });
    const { connectionToken } = await RawCoreClient.negotiate(hub, 'negotiateVersion=1', first);
    const url = `${hub}?id=${connectionToken}`;
    await http('GET', url, { headers: first });
    const call = '{"type":1,"invocationId":"1","target":"tokenLater","arguments":[]}\u001e';
    const handshake = '{"protocol":"json","version":1}\u001e';
    events.clear();
    gate = deferred();
    await http('POST', url, { headers: first, body: handshake + call });
    await events.nextWhere('the call', (event) => event === 'waiting');
    expect((await http('GET', url, { headers: first })).body).toBe('{}\u001e');
    const later = bearer({ sub: 'ann', role: 'writer' });
    const poll = http('GET', url, { headers: later });
    await app.app.get(HubContextRegistry).get(WatchedHub).clients.all.hear();
    expect((await poll).body).toContain('"target":"hear"');
    gate.resolve();
    expect((await http('GET', url, { headers: later })).body).toContain(later.Authorization);
    await app.close();
  });

  test('the trace of a client reaches its calls, and other headers do not matter', async () => {
    const app = await startApp({ platform, hubs: [GuardedHub] });
    const client = await RawCoreClient.connect(`${app.url}/signalr/guarded`, bearer({ sub: 'ann' }));
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const call = async (headers: object): Promise<unknown> => {
      client.send({ type: 1, invocationId: 't', target: 'trace', arguments: [], headers });
      return (await client.next()).result;
    };
    expect(await call({ traceparent, tracestate: 'a=b', baggage: 'c=d', other: 'x' })).toEqual({
      traceparent,
      tracestate: 'a=b',
      baggage: 'c=d',
    });
    expect(await call({ traceparent })).toEqual({ traceparent });
    expect(await call({ traceparent: 'nonsense' })).toBe('none');
    expect(await call({})).toBe('none');
    client.close();
    await app.close();
  });
});

describe.each(platforms)('redirects on %s', (platform) => {
  let first: TestApp;
  let second: TestApp;

  beforeAll(async () => {
    second = await startApp({ platform, hubs: [GuardedHub] });
    first = await startApp({
      platform,
      hubs: [GuardedHub],
      signalr: {
        redirect: ({ family, url, headers, user }) => {
          if (url.includes('fail=1')) {
            throw new Error('no server is left');
          }
          if (url.includes('stay=1')) {
            return Promise.resolve(undefined);
          }
          events.put(`${family} ${headers['x-app'] as string} ${JSON.stringify(user)}`);
          const path = family === 'core' ? '/signalr/guarded' : '/signalr';
          const accessToken = bearer({ sub: 'ann', role: 'redirected' }).Authorization!.slice(
            'Bearer '.length,
          );
          return { url: `${second.url}${path}?from=first`, accessToken };
        },
      },
    });
  });

  afterAll(async () => {
    for (const { app } of [first, second]) {
      // A client that stops polling may leave a connection behind on which it has never asked for anything.
      (app.getHttpServer() as Server).closeAllConnections();
      await app.close();
    }
  });

  test.each(coreTransports)(
    '[core 19] a Core client arrives at the other server over %s',
    async (transport) => {
      events.clear();
      const connection = new HubConnectionBuilder()
        .withUrl(`${first.url}/signalr/guarded`, {
          transport: HttpTransportType[transport],
          accessTokenFactory: () =>
            bearer({ sub: 'ann', role: 'first' }).Authorization!.slice('Bearer '.length),
          headers: { 'x-app': 'test' },
        })
        .configureLogging(LogLevel.None)
        .build();
      await connection.start();
      const redirected = await events.nextWhere('the redirect', (event) => event.startsWith('core'));
      expect(redirected).toBe('core test {"sub":"ann","role":"first"}');
      expect(await connection.invoke('whoAndWhat')).toMatchObject({ user: { role: 'redirected' } });
      await connection.stop();
    },
  );

  test('a classic client is told in its own words', async () => {
    const negotiate = async (query: string): Promise<unknown> => {
      const data = `connectionData=${encodeURIComponent('[{"name":"guarded"}]')}`;
      const headers = bearer({ sub: 'ann' });
      return JSON.parse(
        (await http('GET', `${first.url}/signalr/negotiate?${data}&${query}`, { headers })).body,
      );
    };
    expect(await negotiate('clientProtocol=2.1')).toEqual({
      ProtocolVersion: '2.0',
      RedirectUrl: `${second.url}/signalr?from=first`,
      AccessToken: expect.stringMatching(/^x\./),
    });
    expect(await negotiate('clientProtocol=1.5')).toMatchObject({ TryWebSockets: true });
    expect(await negotiate('clientProtocol=2.1&stay=1')).toMatchObject({ TryWebSockets: true });
  });

  test('a hook that fails refuses the client, and the process lives on', async () => {
    const headers = bearer({ sub: 'ann' });
    const url = `${first.url}/signalr/guarded/negotiate`;
    expect((await http('POST', `${url}?fail=1`, { headers })).status).toBe(500);
    const answer = await http('POST', `${url}?stay=1&negotiateVersion=1`, { headers });
    expect(JSON.parse(answer.body)).toHaveProperty('connectionToken');
    expect(first.logged.join()).toContain('no server is left');
  });
});
