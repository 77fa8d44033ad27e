import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, test } from 'vitest';
import {
  getHubContextToken,
  Hub,
  HubContextRegistry,
  HubMethod,
  type IHubContext,
  InjectHubContext,
  IUserIdProvider,
  MemoryBackplane,
  MemoryBroker,
  SignalRHub,
  SignalRModule,
  type SignalRModuleAsyncOptions,
  type SignalRModuleOptions,
  type SignalROptionsFactory,
} from 'nestjs-signalr';

import { startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { RawCoreClient } from '../../support/core-client.js';
import { http } from '../../support/http.js';

interface NewsClient {
  news(text: string): void;
}

@Hub()
class NewsHub extends SignalRHub<NewsClient> {
  @HubMethod()
  whoAmI(): string | undefined {
    return this.context.userIdentifier;
  }

  @HubMethod()
  async join(group: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
  }

  @HubMethod()
  ping(): void {}
}

@Module({ providers: [NewsHub] })
class HubsModule {}

@Injectable()
class Editor {
  constructor(@InjectHubContext(NewsHub) readonly context: IHubContext<NewsHub>) {}
}

/** Another module than that of the hub, which imports nothing of SignalR. */
@Module({ providers: [Editor], exports: [Editor] })
class EditorModule {}

const PATHS: SignalRModuleOptions = { path: '/live' };

@Injectable()
class Settings {
  readonly options = PATHS;
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

@Injectable()
class OptionsFactory implements SignalROptionsFactory {
  createSignalROptions(): Promise<SignalRModuleOptions> {
    return Promise.resolve(PATHS);
  }
}

@Module({ providers: [OptionsFactory], exports: [OptionsFactory] })
class FactoryModule {}

describe('SignalRModule', () => {
  const closers: (() => Promise<void>)[] = [];

  afterEach(async () => {
    await Promise.all(closers.splice(0).map((close) => close()));
  });

  async function start(...args: Parameters<typeof startApp>): Promise<TestApp> {
    const app = await startApp(...args);
    closers.push(() => app.close());
    return app;
  }

  const variants: readonly (readonly [string, SignalRModuleAsyncOptions])[] = [
    ['useFactory', { useFactory: () => PATHS }],
    [
      'useFactory with what it needs',
      {
        imports: [SettingsModule],
        inject: [Settings],
        useFactory: ({ options }: Settings) => Promise.resolve(options),
      },
    ],
    ['useClass', { useClass: OptionsFactory }],
    ['useExisting', { imports: [FactoryModule], useExisting: OptionsFactory }],
  ];

  test.each(variants)('forRootAsync: %s', async (_, options) => {
    const testing = await Test.createTestingModule({
      imports: [SignalRModule.forRootAsync(options), HubsModule],
    }).compile();
    const app = testing.createNestApplication();
    closers.push(() => app.close());
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as { port: number };
    expect((await http('GET', `http://127.0.0.1:${port}/live/ping`)).status).toBe(200);
    const client = await RawCoreClient.connect(`http://127.0.0.1:${port}/live/newsHub`);
    expect((await client.invoke('ping')).result).toBeNull();
  });

  test('forRootAsync needs one way to make options', () => {
    expect(() => SignalRModule.forRootAsync({})).toThrow('needs useFactory, useClass or useExisting');
  });

  test('hub contexts are injectable in modules that know nothing of SignalR', async () => {
    const { app, url } = await start({ hubs: [], imports: [HubsModule, EditorModule] });
    const client = await RawCoreClient.connect(`${url}/signalr/newsHub`);
    await app.get(Editor, { strict: false }).context.clients.all.news('extra');
    expect(await client.next()).toMatchObject({ target: 'news', arguments: ['extra'] });
    expect(app.get(HubContextRegistry, { strict: false }).get('newshub')).toBe(
      app.get<unknown>(getHubContextToken(NewsHub), { strict: false }),
    );
  });

  test('contexts can be kept out of other modules', async () => {
    const options = { useFactory: () => ({}), isGlobal: false };
    const building = Test.createTestingModule({
      imports: [SignalRModule.forRootAsync(options), HubsModule, EditorModule],
    }).compile();
    await expect(building).rejects.toThrow(/can't resolve dependencies of the Editor/);
  });

  test.each([
    ['at once', (name: string | undefined) => name],
    ['later', (name: string | undefined) => Promise.resolve(name)],
  ])('any module may provide the user ids, %s', async (_, answer) => {
    class QueryUserIds extends IUserIdProvider {
      override getUserId(request: { query: { get(name: string): string | undefined } }) {
        return answer(request.query.get('u'));
      }
    }
    @Module({ providers: [{ provide: IUserIdProvider, useClass: QueryUserIds }] })
    class UsersModule {}
    const { url } = await start({ hubs: [NewsHub], imports: [UsersModule] });
    const client = await RawCoreClient.connect(`${url}/signalr/newsHub`, {}, 'u=eve');
    expect((await client.invoke('whoAmI')).result).toBe('eve');
    const classic = await RawClassicClient.connect(`${url}/signalr`, { hubs: ['NewsHub'], query: 'u=kim' });
    expect((await classic.invoke('NewsHub', 'whoAmI')).R).toBe('kim');
  });

  test('`authenticate` finds the user of every request, and may refuse it', async () => {
    const { url } = await start({
      hubs: [NewsHub],
      signalr: {
        authenticate: ({ headers }) => {
          if (headers['x-user'] === 'nobody') {
            throw new Error('go away');
          }
          return { sub: headers['x-user'] };
        },
      },
    });
    const client = await RawCoreClient.connect(`${url}/signalr/newsHub`, { 'X-User': 'ann' });
    expect((await client.invoke('whoAmI')).result).toBe('ann');
    const refused = { headers: { 'X-User': 'nobody' } };
    expect((await http('POST', `${url}/signalr/newsHub/negotiate`, refused)).status).toBe(401);
    expect((await http('GET', `${url}/signalr/negotiate`, refused)).status).toBe(401);
  });

  test('an application without HTTP serves nothing and can still call clients of others', async () => {
    const broker = new MemoryBroker({ bufferSize: 100, retention: 1000, maxIdleTopics: 10 });
    const { url } = await start({
      hubs: [NewsHub],
      signalr: { backplane: new MemoryBackplane({ broker }) },
    });
    const client = await RawCoreClient.connect(`${url}/signalr/newsHub`);

    @Module({
      imports: [SignalRModule.forRoot({ backplane: new MemoryBackplane({ broker }) }), EditorModule],
    })
    class WorkerModule {}
    const worker = await NestFactory.createApplicationContext(WorkerModule, { logger: false });
    closers.push(() => worker.close());
    const { context } = worker.get(Editor, { strict: false });
    await context.clients.all.news('from a worker');
    expect(await client.next()).toMatchObject({ arguments: ['from a worker'] });
  });

  test('two applications on one log: sends, users and groups reach connections of the other', async () => {
    const broker = new MemoryBroker({ bufferSize: 100, retention: 1000, maxIdleTopics: 10 });
    const node = (): Promise<TestApp> =>
      start({
        hubs: [NewsHub],
        signalr: {
          secret: 'shared',
          backplane: new MemoryBackplane({ broker }),
          authenticate: () => ({ id: 'ann' }),
        },
      });
    const [here, there] = [await node(), await node()];
    const client = await RawCoreClient.connect(`${here.url}/signalr/newsHub`);
    const remote = there.app.get(HubContextRegistry).get(NewsHub);
    await remote.groups.add(client.connectionId as string, 'readers');
    await remote.clients.group('readers').news('group');
    await remote.clients.user('ann').news('user');
    await remote.clients.client(client.connectionId as string).news('client');
    const heard = [await client.next(), await client.next(), await client.next()];
    expect(heard.map(({ arguments: args }) => (args as string[])[0])).toEqual(['group', 'user', 'client']);
    // A token of one node is good at the other.
    const { connectionToken } = await RawCoreClient.negotiate(`${here.url}/signalr/newsHub`);
    const polled = `${there.url}/signalr/newsHub?id=${connectionToken}`;
    expect((await http('GET', polled)).status).toBe(200);
    expect((await http('DELETE', polled)).status).toBe(202);
  });
});
