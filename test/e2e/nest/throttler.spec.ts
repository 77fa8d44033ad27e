import { Controller, Get, Injectable, UseGuards } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import {
  SkipThrottle,
  Throttle,
  ThrottlerModule,
  ThrottlerStorage,
  ThrottlerStorageService,
} from '@nestjs/throttler';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hub, HubMethod, IUserIdProvider, SignalRHub } from 'nestjs-signalr';
import { HubThrottlerGuard } from 'nestjs-signalr/throttler';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { RawCoreClient } from '../../support/core-client.js';
import { http } from '../../support/http.js';

/** Counts in memory, and fails when it is told to. */
class FragileStorage extends ThrottlerStorageService {
  isBroken = false;

  override increment(
    ...args: Parameters<ThrottlerStorageService['increment']>
  ): ReturnType<ThrottlerStorageService['increment']> {
    return this.isBroken ? Promise.reject(new Error('the storage is down')) : super.increment(...args);
  }
}

@Injectable()
class PerUserGuard extends HubThrottlerGuard {
  protected override readonly tracker = 'user';
  protected override readonly budget = 'hub';
}

class HeaderUser extends IUserIdProvider {
  override getUserId({ headers }: { headers: Record<string, unknown> }): string | undefined {
    return headers['x-user'] as string | undefined;
  }
}

abstract class Methods extends SignalRHub {
  @HubMethod()
  one(): string {
    return 'one';
  }

  @HubMethod()
  two(): string {
    return 'two';
  }
}

@Hub('perMethod')
@SkipThrottle()
class PerMethodHub extends Methods {
  @HubMethod()
  @SkipThrottle({ default: false })
  @Throttle({ default: { limit: 2, ttl: 60_000 } })
  rare(): string {
    return 'rare';
  }
}

@Hub('perUser')
@SkipThrottle()
class PerUserHub extends Methods {
  @HubMethod()
  @UseGuards(PerUserGuard)
  @SkipThrottle({ default: false })
  @Throttle({ default: { limit: 3, ttl: 60_000 } })
  counted(): string {
    return 'counted';
  }

  @HubMethod()
  @UseGuards(PerUserGuard)
  @SkipThrottle({ default: false })
  @Throttle({ default: { limit: 3, ttl: 60_000 } })
  countedToo(): string {
    return 'counted too';
  }
}

/** Its class is limited, so connecting is, too. */
@Hub('busy')
@Throttle({ default: { limit: 4, ttl: 60_000 } })
class BusyHub extends Methods {}

@Controller()
class PlainController {
  @Get('plain')
  @Throttle({ default: { limit: 1, ttl: 60_000 } })
  plain(): string {
    return 'plain';
  }
}

const TEXT = 'ThrottlerException: Too Many Requests';

describe.each(platforms)('limits of calls on %s', (platform) => {
  const storage = new FragileStorage();
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [PerMethodHub, PerUserHub, BusyHub],
      controllers: [PlainController],
      imports: [ThrottlerModule.forRoot({ throttlers: [{ ttl: 60_000, limit: 1_000 }], storage })],
      providers: [
        PerUserGuard,
        { provide: APP_GUARD, useClass: HubThrottlerGuard },
        { provide: IUserIdProvider, useClass: HeaderUser },
      ],
    });
  });

  afterAll(() => app.close());

  const core = (hub: string, headers: Record<string, string> = {}): Promise<RawCoreClient> =>
    RawCoreClient.connect(`${app.url}/signalr/${hub}`, headers);

  test('calls of one method of one connection are counted, and the connection goes on', async () => {
    const [client, other] = [await core('perMethod'), await core('perMethod')];
    expect((await client.invoke('rare')).result).toBe('rare');
    expect((await client.invoke('rare')).result).toBe('rare');
    expect((await client.invoke('rare')).error).toBe(
      `An unexpected error occurred invoking 'rare' on the server. HubException: ${TEXT}`,
    );
    expect((await client.invoke('one')).result).toBe('one');
    expect((await other.invoke('rare')).result).toBe('rare');
    client.close();
    other.close();
  });

  test('a classic client reads when it may try again', async () => {
    const client = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['perMethod'] });
    await client.invoke('perMethod', 'rare');
    await client.invoke('perMethod', 'rare');
    expect(await client.invoke('perMethod', 'rare')).toMatchObject({
      E: TEXT,
      H: true,
      D: { retryAfter: 60 },
    });
    expect(await client.invoke('perMethod', 'two')).toMatchObject({ R: 'two' });
    await client.abort();
  });

  test('a guard of one budget for a user and a hub', async () => {
    const ann = { 'x-user': `ann on ${platform}` };
    const clients = [await core('perUser', ann), await core('perUser', ann), await core('perUser')];
    const [first, second, stranger] = clients as [RawCoreClient, RawCoreClient, RawCoreClient];
    expect((await first.invoke('counted')).result).toBe('counted');
    expect((await first.invoke('countedToo')).result).toBe('counted too');
    expect((await second.invoke('counted')).result).toBe('counted');
    expect((await second.invoke('countedToo')).error).toContain(TEXT);
    expect((await stranger.invoke('counted')).result).toBe('counted');
    clients.forEach((client) => client.close());
  });

  test('whoever connects too often gets 429, and is told when to come back', async () => {
    const url = `${app.url}/signalr/busy/negotiate?negotiateVersion=1`;
    for (let count = 0; count < 4; count++) {
      expect((await http('POST', url)).status).toBe(200);
    }
    const refused = await http('POST', url);
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '60']);
    await expect(RawCoreClient.openDirectly(`${app.url}/signalr/busy`)).rejects.toThrow('429');
  });

  test('controllers are limited as before', async () => {
    expect((await http('GET', `${app.url}/plain`)).body).toBe('plain');
    const refused = await http('GET', `${app.url}/plain`);
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '60']);
  });

  test('a storage that fails fails the call, and nothing else', async () => {
    const client = await core('perMethod');
    storage.isBroken = true;
    expect((await client.invoke('rare')).error).toBe(
      `An unexpected error occurred invoking 'rare' on the server.`,
    );
    storage.isBroken = false;
    expect((await client.invoke('rare')).result).toBe('rare');
    client.close();
    expect(app.logged.splice(0).join()).toContain('the storage is down');
    expect(app.app.get(ThrottlerStorage)).toBe(storage);
  });
});
