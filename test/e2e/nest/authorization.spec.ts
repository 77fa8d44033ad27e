import { type CanActivate, type ExecutionContext, Injectable, UseGuards } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  Authorize,
  AuthorizeGuard,
  Hub,
  HubMethod,
  HubPipeline,
  PersistentConnection,
  SignalRHub,
  SignalRExecutionContext,
  type SignalRModuleOptions,
  SignalRPersistentConnection,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { RawCoreClient } from '../../support/core-client.js';
import { http, refusedUpgrade } from '../../support/http.js';

/** Takes the user from headers: a name, and roles behind it. */
function authenticate({ headers }: IncomingMessage): unknown {
  const name = headers['x-user'];
  return name === undefined ? undefined : { name, roles: String(headers['x-roles'] ?? '').split(',') };
}

const as = (user: string, roles = ''): Record<string, string> => ({ 'x-user': user, 'x-roles': roles });

@Hub('open')
class OpenHub extends SignalRHub {
  @HubMethod()
  free(): string {
    return 'free';
  }

  @HubMethod()
  @Authorize()
  known(): string {
    return 'known';
  }

  @HubMethod()
  @Authorize({ users: 'Ann, bob' })
  named(): string {
    return 'named';
  }

  @HubMethod()
  @Authorize({ roles: ['admin', 'boss'] })
  ranked(): string {
    return 'ranked';
  }

  @HubMethod()
  @Authorize({ users: ['ann'] })
  @Authorize({ roles: 'admin' })
  stacked(): string {
    return 'stacked';
  }

  @HubMethod()
  async toAll(): Promise<void> {
    await this.clients.all.hear('open');
  }
}

@Hub('members')
@Authorize()
class MembersHub extends SignalRHub {
  @HubMethod()
  talk(): string {
    return 'talk';
  }

  @HubMethod()
  @Authorize({ roles: 'admin' })
  rule(): string {
    return 'rule';
  }

  @HubMethod()
  async toAll(): Promise<void> {
    await this.clients.all.hear('members');
  }
}

/** Inherits that users must be known. */
@Hub('inner')
@Authorize({ roles: 'admin' })
class InnerHub extends MembersHub {}

@Hub('lobby')
@Authorize({ requireOutgoing: false })
class LobbyHub extends SignalRHub {
  @HubMethod()
  talk(): string {
    return 'talk';
  }
}

class OddHours extends AuthorizeGuard {
  protected override userAuthorized(user: unknown): boolean {
    return (user as { name?: string } | undefined)?.name === 'odd';
  }
}

@Hub('odd')
@UseGuards(new OddHours())
class OddHub extends SignalRHub {}

/** Finds the user itself, as guards for tokens do. */
@Injectable()
class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string>; user?: unknown }>();
    request.user ??= request.headers['x-token'];
    return true;
  }
}

/** Fails instead of deciding. */
class BrokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (SignalRExecutionContext.create(context).isCall) {
      throw new Error('the guard is broken');
    }
    return true;
  }
}

@Hub('broken')
@UseGuards(BrokenGuard)
class BrokenHub extends SignalRHub {
  @HubMethod()
  work(): void {}
}

@Hub('token')
@Authorize()
@UseGuards(TokenGuard)
class TokenHub extends SignalRHub {
  @HubMethod()
  who(): unknown {
    return this.context.user;
  }
}

@PersistentConnection('/raw')
class RawConnection extends SignalRPersistentConnection {}

const hubs = [OpenHub, MembersHub, InnerHub, LobbyHub, OddHub, TokenHub, BrokenHub];

describe.each(platforms)('authorization on %s', (platform) => {
  let app: TestApp;
  let url: string;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs,
      signalr: { authenticate, classic: { enableDetailedErrors: true } },
    });
    url = `${app.url}/signalr`;
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged.filter((line) => !line.includes('the guard is broken'))).toEqual([]);
  });

  /** What a call of a classic client is answered with: the result or the error. */
  async function classic(hub: string, method: string, headers = {}, lists: string[] = []): Promise<unknown> {
    const client = await RawClassicClient.connect(url, { hubs: lists, headers });
    const { R: result, E: error } = await client.invoke(hub, method);
    await client.abort();
    return result ?? error;
  }

  async function core(hub: string, method: string, headers = {}): Promise<unknown> {
    const client = await RawCoreClient.connect(`${url}/${hub}`, headers);
    const { result, error } = await client.invoke(method);
    client.close();
    return result ?? error;
  }

  const refusal = (method: string, hub = 'open'): string =>
    `Caller is not authorized to invoke the ${method} method on ${hub}.`;

  test('[classic 196] a method for known users', async () => {
    expect(await classic('open', 'free')).toBe('free');
    expect(await classic('OPEN', 'KNOWN')).toBe(refusal('known'));
    expect(await classic('open', 'known', as('ann'))).toBe('known');
    expect(await core('open', 'known')).toBe(`Failed to invoke 'known' because user is unauthorized`);
    expect(await core('open', 'free')).toBe('free');
  });

  test('[classic 197] a list of users, in any case', async () => {
    for (const user of ['ann', 'ANN', 'Bob']) {
      expect(await classic('open', 'named', as(user))).toBe('named');
    }
    expect(await classic('open', 'named', as('eve'))).toBe(refusal('named'));
    expect(await classic('open', 'named')).toBe(refusal('named'));
  });

  test('[classic 197] a list of roles, of which one is enough', async () => {
    expect(await classic('open', 'ranked', as('ann', 'guest,boss'))).toBe('ranked');
    expect(await classic('open', 'ranked', as('ann', 'Boss'))).toBe(refusal('ranked'));
    expect(await classic('open', 'ranked', as('ann'))).toBe(refusal('ranked'));
  });

  test('several rules must all agree', async () => {
    expect(await classic('open', 'stacked', as('ann', 'admin'))).toBe('stacked');
    expect(await classic('open', 'stacked', as('ann', 'guest'))).toBe(refusal('stacked'));
    expect(await classic('open', 'stacked', as('bob', 'admin'))).toBe(refusal('stacked'));
  });

  test('a hub protects connecting and all its methods', async () => {
    const negotiate = `${url}/negotiate?connectionData=[{"name":"members"}]`;
    expect(await http('GET', negotiate)).toMatchObject({ status: 401, body: '' });
    expect((await http('GET', negotiate, { headers: as('ann') })).status).toBe(200);
    expect((await http('POST', `${url}/members/negotiate`)).status).toBe(401);
    const connect = `${url}/connect?transport=webSockets&connectionData=[{"name":"members"}]`;
    expect((await refusedUpgrade(connect)).status).toBe(401);
    expect((await refusedUpgrade(`${url}/members`)).status).toBe(401);
    expect(await classic('members', 'talk')).toBe(refusal('talk', 'members'));
    expect(await classic('members', 'talk', as('ann'))).toBe('talk');
    expect(await classic('members', 'rule', as('ann'))).toBe(refusal('rule', 'members'));
    expect(await classic('members', 'rule', as('ann', 'admin'))).toBe('rule');
  });

  test('a derived hub inherits the rules', async () => {
    const negotiate = `${url}/negotiate?connectionData=[{"name":"inner"}]`;
    expect((await http('GET', negotiate)).status).toBe(401);
    expect((await http('GET', negotiate, { headers: as('ann') })).status).toBe(403);
    expect((await http('GET', negotiate, { headers: as('ann', 'admin') })).status).toBe(200);
  });

  test('who may connect to one of two hubs connects, and hears nothing of the other', async () => {
    const client = await RawClassicClient.connect(url, { hubs: ['open', 'members'] });
    const member = await RawClassicClient.connect(url, { hubs: ['members'], headers: as('ann') });
    await member.invoke('members', 'toAll');
    expect(await member.nextCall()).toMatchObject({ A: ['members'] });
    await client.invoke('open', 'toAll');
    expect(await client.nextCall()).toMatchObject({ A: ['open'] });
    expect(client.passedOver).toEqual([]);
    await Promise.all([client.abort(), member.abort()]);
  });

  test('[classic 198] requireOutgoing: false lets everybody connect, and protects the methods', async () => {
    expect(await classic('lobby', 'talk', {}, ['lobby'])).toBe(refusal('talk', 'lobby'));
    expect(await classic('lobby', 'talk', as('ann'), ['lobby'])).toBe('talk');
    expect(await core('lobby', 'talk')).toBe(`Failed to invoke 'talk' because user is unauthorized`);
  });

  test('requireOutgoing cannot be asked for on a method', () => {
    const decorate = Authorize({ requireOutgoing: true });
    expect(() => decorate(OpenHub.prototype, 'free', {})).toThrow(
      'Outgoing authorization can only be required for an entire Hub, not a specific method.',
    );
  });

  test('an unknown method of a protected hub tells strangers nothing', async () => {
    expect(await classic('members', 'nope')).toBe(refusal('', 'members'));
    expect(await classic('members', 'nope', as('ann'))).toBe(
      `'nope' method could not be resolved. No method found with that name.`,
    );
  });

  test.each(['work', 'nope'])(
    'a guard that fails is logged, also for a method that is none: %s',
    async (method) => {
      const logged = app.logged.length;
      expect(await classic('broken', method)).toBe('the guard is broken');
      expect(app.logged.slice(logged).join()).toContain('the guard is broken');
    },
  );

  test('a guard may decide otherwise', async () => {
    const negotiate = `${url}/negotiate?connectionData=[{"name":"odd"}]`;
    expect((await http('GET', negotiate, { headers: as('ann') })).status).toBe(403);
    expect((await http('GET', negotiate, { headers: as('odd') })).status).toBe(200);
  });

  test('the user may come from a guard that runs before', async () => {
    const headers = { 'x-token': 'ann' };
    expect(await classic('token', 'who', headers, ['token'])).toBe('ann');
    expect(await core('token', 'who', headers)).toBe('ann');
    expect((await http('POST', `${url}/token/negotiate`)).status).toBe(401);
  });

  test('without detailed errors the caller learns nothing', async () => {
    const quiet = await startApp({ platform, hubs, signalr: { authenticate } });
    const client = await RawClassicClient.connect(`${quiet.url}/signalr`);
    expect((await client.invoke('open', 'known')).E).toBe(
      `There was an error invoking Hub method 'open.known'.`,
    );
    await client.abort();
    await quiet.close();
  });

  test.each<[string, SignalRModuleOptions, boolean]>([
    ['as an option', { requireAuthentication: true }, false],
    ['by the pipeline', {}, true],
  ])('[classic 199] authentication required of everybody %s', async (_, signalr, byPipeline) => {
    const closed = await startApp({
      platform,
      hubs,
      providers: [RawConnection],
      signalr: { authenticate, ...signalr },
      configure: (nest) => byPipeline && nest.get(HubPipeline).requireAuthentication(),
    });
    const negotiate = `${closed.url}/signalr/negotiate`;
    const open = `${negotiate}?connectionData=[{"name":"open"}]`;
    expect(await http('GET', open)).toMatchObject({ status: 401, body: '' });
    expect((await http('GET', open, { headers: as('ann') })).status).toBe(200);
    expect((await http('GET', negotiate)).status).toBe(200);
    expect((await http('POST', `${closed.url}/signalr/open/negotiate`)).status).toBe(401);
    expect((await http('GET', `${closed.url}/raw/negotiate`)).status).toBe(401);
    const client = await RawClassicClient.connect(`${closed.url}/signalr`);
    expect((await client.invoke('open', 'free')).E).toBe(
      `There was an error invoking Hub method 'open.free'.`,
    );
    await client.abort();
    await closed.close();
  });

  test('users of middleware count', async () => {
    const other = await startApp({
      platform,
      hubs,
      configure: (nest) =>
        nest.use(
          (request: { headers: Record<string, string>; user?: unknown }, _: unknown, next: () => void) => {
            request.user = request.headers['x-user'];
            next();
          },
        ),
    });
    const negotiate = `${other.url}/signalr/negotiate?connectionData=[{"name":"members"}]`;
    expect((await http('GET', negotiate)).status).toBe(401);
    expect((await http('GET', negotiate, { headers: as('ann') })).status).toBe(200);
    await other.close();
  });
});
