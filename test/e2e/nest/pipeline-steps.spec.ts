import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  type AuthorizeHubConnect,
  getHubContextToken,
  Hub,
  type HubDescriptor,
  HubMethod,
  type HubIncomingContext,
  type HubLifecycleContext,
  type HubOutgoingContext,
  HubPipeline,
  HubPipelineModule,
  type HubRequest,
  type IHubContext,
  type InvokeHubMethod,
  MemoryBackplane,
  type RejoinHubGroups,
  SignalRHub,
  SignalRModule,
  UsePipeline,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { classicTransports, TransportClient } from '../../support/classic-transports.js';
import { RawCoreClient } from '../../support/core-client.js';
import { http, refusedUpgrade } from '../../support/http.js';
import { Inbox } from '../../support/inbox.js';

/** What modules and hubs did, in order. */
const steps = new Inbox<string>();

/** The next steps; the test fails if they do not come. */
async function nextSteps(count: number): Promise<string[]> {
  const seen: string[] = [];
  while (seen.length < count) {
    seen.push(await steps.next(`step ${seen.length + 1} of ${count}, after ${seen.join(', ')}`));
  }
  return seen;
}

/** Notes every step, and stops where the request or message asks for it. */
class Observer extends HubPipelineModule {
  constructor(private readonly name: string) {
    super();
  }

  override onBeforeOutgoing(call: HubOutgoingContext): boolean {
    this.note(`before ${call.method} of ${call.hub} to ${call.topics.length}`);
    if (call.args[0] === 'rename') {
      call.method = 'renamed';
      call.args = ['changed'];
    }
    if (call.args[0] === `throw in ${this.name}`) {
      throw new Error('the module failed');
    }
    return call.args[0] !== `drop in ${this.name}`;
  }

  override onAfterOutgoing(call: HubOutgoingContext): void {
    this.note(`after ${call.method}`);
  }

  override onBeforeConnect(event: HubLifecycleContext): boolean {
    this.note(`before connect ${event.hub.name}`);
    return event.context.queryString.get('skip') !== this.name;
  }

  override onAfterConnect(event: HubLifecycleContext): void {
    this.note(`after connect ${event.hub.name}`);
    if (event.context.queryString.get('refuse') === this.name) {
      throw new Error('refused by a module');
    }
  }

  override onBeforeReconnect(event: HubLifecycleContext): boolean {
    this.note('before reconnect');
    return event.context.queryString.get('skip') !== this.name;
  }

  override onAfterReconnect(): void {
    this.note('after reconnect');
  }

  override onBeforeDisconnect(event: HubLifecycleContext, stopCalled: boolean): boolean {
    this.note(`before disconnect ${stopCalled}`);
    return event.context.queryString.get('skip') !== this.name;
  }

  override onAfterDisconnect(event: HubLifecycleContext, stopCalled: boolean): void {
    this.note(`after disconnect ${stopCalled}`);
    if (event.context.queryString.get('clumsy') === this.name) {
      throw new Error('clumsy module');
    }
  }

  private note(step: string): void {
    steps.put(`${this.name} ${step}`);
  }
}

@Hub('watched')
@UsePipeline(new Observer('own'))
class WatchedHub extends SignalRHub {
  override async onConnected(): Promise<void> {
    steps.put('connected');
  }

  override onReconnected(): void {
    steps.put('reconnected');
  }

  override onDisconnected(): void {
    steps.put('disconnected');
  }

  @HubMethod()
  async tell(text: string): Promise<string> {
    await this.clients.caller.hear(text);
    return text;
  }
}

@Hub('derived')
class DerivedHub extends WatchedHub {}

describe.each(platforms)('steps of the pipeline on %s', (platform) => {
  const backplane = new MemoryBackplane();
  let app: TestApp;
  let url: string;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [WatchedHub, DerivedHub],
      signalr: { backplane, pipeline: [new Observer('all')] },
    });
    url = `${app.url}/signalr`;
  });

  /** What clients of one test leave behind must not reach the next one. */
  afterEach(async () => {
    await expect.poll(() => backplane.directory.count({})).toBe(0);
    steps.clear();
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged.filter((line) => !/the module failed|by a module|clumsy/.test(line))).toEqual([]);
  });

  const CONNECT = [
    'all before connect',
    'own before connect',
    'connected',
    'own after connect',
    'all after connect',
  ];

  /** The steps of a connect with the hub's name where modules see it. */
  const connectOf = (hub: string): string[] =>
    CONNECT.map((step) => (step === 'connected' ? step : `${step} ${hub}`));

  async function connect(query = '', hub = 'watched'): Promise<RawClassicClient> {
    const client = await RawClassicClient.connect(url, { hubs: [hub], query });
    return client;
  }

  test.each(['watched', 'derived'])('modules of the hub run inside of those for all: %s', async (hub) => {
    const client = await connect('', hub);
    expect(await nextSteps(5)).toEqual(connectOf(hub));
    await client.openSocket('reconnect');
    expect(await nextSteps(5)).toEqual([
      'all before reconnect',
      'own before reconnect',
      'reconnected',
      'own after reconnect',
      'all after reconnect',
    ]);
    await client.abort();
    expect(await nextSteps(5)).toEqual([
      'all before disconnect true',
      'own before disconnect true',
      'disconnected',
      'own after disconnect true',
      'all after disconnect true',
    ]);
  });

  test('the same for Core clients', async () => {
    const client = await RawCoreClient.connect(`${url}/watched`);
    expect(await nextSteps(5)).toEqual(connectOf('watched'));
    client.close();
    expect((await nextSteps(5)).slice(0, 3)).toEqual([
      'all before disconnect true',
      'own before disconnect true',
      'disconnected',
    ]);
  });

  test('[classic 193] a module may skip onConnected, and the client is started all the same', async () => {
    const client = await connect('skip=own');
    expect(await nextSteps(3)).toEqual([
      'all before connect watched',
      'own before connect watched',
      'all after connect watched',
    ]);
    await client.openSocket('reconnect');
    expect(await nextSteps(3)).toEqual([
      'all before reconnect',
      'own before reconnect',
      'all after reconnect',
    ]);
    await client.abort();
    expect(await nextSteps(3)).toEqual([
      'all before disconnect true',
      'own before disconnect true',
      'all after disconnect true',
    ]);
  });

  test('a module may refuse a client', async () => {
    const client = await RawClassicClient.open(url, { hubs: ['watched'], query: 'refuse=own' });
    expect((await client.request('start')).status).toBe(500);
    await client.abort();
    const core = await RawCoreClient.connect(`${url}/watched`, {}, 'refuse=own');
    expect(await core.next('the close')).toEqual({ type: 7, error: 'Connection closed with an error.' });
    await nextSteps(4);
  });

  test('a failure of a module in onDisconnected is logged', async () => {
    const client = await connect('clumsy=own');
    await client.abort();
    await nextSteps(9);
    await expect.poll(() => app.logged.join()).toContain('clumsy module');
  });

  const context = (): IHubContext<WatchedHub> =>
    app.app.get<IHubContext<WatchedHub>>(getHubContextToken(WatchedHub), { strict: false });

  describe.each(['classic', 'core'] as const)('calls to %s clients', (family) => {
    /** Calls `tell`, and gives what the client got, in order. */
    async function tell(text: string): Promise<unknown[]> {
      if (family === 'core') {
        const client = await RawCoreClient.connect(`${url}/watched`);
        client.send({ type: 1, invocationId: 'x', target: 'tell', arguments: [text] });
        const got: unknown[] = [];
        for (let message = await client.next(); ; message = await client.next()) {
          got.push(message.type === 1 ? [message.target, message.arguments] : (message.result ?? 'failed'));
          if (message.type === 3) {
            client.close();
            return got;
          }
        }
      }
      const client = await connect();
      const { R: result } = await client.invoke('watched', 'tell', text);
      await client.abort();
      return [...client.passedOver.map(({ M: method, A: args }) => [method, args]), result ?? 'failed'];
    }

    test('modules see them, and the order on the wire stays', async () => {
      expect(await tell('hi')).toEqual([['hear', ['hi']], 'hi']);
      expect((await nextSteps(9)).slice(5)).toEqual([
        'all before hear of watched to 1',
        'own before hear of watched to 1',
        'own after hear',
        'all after hear',
      ]);
    });

    test('[classic 192] a module may drop one', async () => {
      expect(await tell('drop in own')).toEqual(['drop in own']);
      expect((await nextSteps(8)).slice(5)).toEqual([
        'all before hear of watched to 1',
        'own before hear of watched to 1',
        'all after hear',
      ]);
    });

    test('a module may change it', async () => {
      expect(await tell('rename')).toEqual([['renamed', ['changed']], 'rename']);
    });

    test('a module that throws fails the send', async () => {
      expect(await tell('throw in own')).toEqual(['failed']);
    });
  });

  test('calls from outside of hubs go the same way', async () => {
    const client = await connect();
    await nextSteps(5);
    await context().clients.all.hear('drop in all');
    await context().clients.groups(['a', 'b']).hear('nobody');
    await expect(context().clients.all.hear('throw in all')).rejects.toThrow('the module failed');
    await context().clients.all.hear('last');
    expect(await client.nextCall()).toMatchObject({ M: 'hear', A: ['last'] });
    expect(await nextSteps(2)).toEqual([
      'all before hear of watched to 1',
      'all before hear of watched to 2',
    ]);
    await client.abort();
  });
});

/** Lets nobody in who says so, and notes who asked. */
class Gate extends HubPipelineModule {
  static asked: string[] = [];

  override onBeforeAuthorizeConnect(hub: HubDescriptor, request: HubRequest): boolean {
    Gate.asked.push(hub.name);
    return request.query.get('closed') !== hub.name;
  }
}

/** Overrides the whole step. */
class Lenient extends HubPipelineModule {
  override buildAuthorizeConnect(authorize: AuthorizeHubConnect): AuthorizeHubConnect {
    return (hub, request) => request.headers['x-lenient'] === 'yes' || authorize(hub, request);
  }

  override buildIncoming(invoke: InvokeHubMethod): InvokeHubMethod {
    return async (call: HubIncomingContext) => {
      call.args = call.args.map((argument) => (argument === 'replace me' ? 'replaced' : argument));
      return [await invoke(call), 'wrapped'];
    };
  }
}

@Hub('first')
class FirstHub extends SignalRHub {
  @HubMethod()
  echo(text: string): string {
    return text;
  }

  @HubMethod()
  async toAll(): Promise<void> {
    await this.clients.all.hear('first');
  }
}

@Hub('second')
class SecondHub extends SignalRHub {}

describe.each(platforms)('authorization by modules on %s', (platform) => {
  let app: TestApp;
  let url: string;

  beforeAll(async () => {
    const authenticate = ({ headers }: { headers: Record<string, unknown> }): unknown => headers['x-user'];
    app = await startApp({
      platform,
      hubs: [FirstHub, SecondHub],
      signalr: { pipeline: [Lenient, Gate], authenticate },
    });
    url = `${app.url}/signalr`;
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  test('[classic 195] a refused hub is left out; if none is left, 401 or 403', async () => {
    const query = 'connectionData=[{"name":"first"},{"name":"second"}]';
    expect((await http('GET', `${url}/negotiate?${query}&closed=first`)).status).toBe(200);
    const one = 'connectionData=[{"name":"first"}]&closed=first';
    expect(await http('GET', `${url}/negotiate?${one}`)).toMatchObject({ status: 401, body: '' });
    const known = await http('GET', `${url}/negotiate?${one}`, { headers: { 'x-user': 'ann' } });
    expect(known).toMatchObject({ status: 403, body: '' });
    expect((await refusedUpgrade(`${url}/connect?transport=webSockets&${one}`)).status).toBe(401);
    expect((await http('POST', `${url}/first/negotiate?closed=first`)).status).toBe(401);
    expect((await refusedUpgrade(`${url}/first?closed=first`)).status).toBe(401);
  });

  test('a hub that is left out sends nothing', async () => {
    const options = { hubs: ['first', 'second'], query: 'closed=first' };
    const client = await RawClassicClient.connect(url, options);
    expect((await client.invoke('first', 'toAll')).E).toBeUndefined();
    expect(client.passedOver).toEqual([]);
    await client.abort();
  });

  test('build… may decide without asking further, and change arguments and results', async () => {
    Gate.asked = [];
    const headers = { 'x-lenient': 'yes' };
    const client = await RawClassicClient.connect(url, {
      hubs: ['first'],
      query: 'closed=first',
      headers: {},
    }).catch(() => undefined);
    expect(client).toBeUndefined();
    expect(Gate.asked).toEqual(['first']);
    const lenient = await http('GET', `${url}/negotiate?connectionData=[{"name":"first"}]&closed=first`, {
      headers,
    });
    expect(lenient.status).toBe(200);
    expect(Gate.asked).toEqual(['first']);
    const open = await RawClassicClient.connect(url, { hubs: ['first'] });
    expect((await open.invoke('first', 'echo', 'replace me')).R).toEqual(['replaced', 'wrapped']);
    await open.abort();
  });
});

/** Which groups it was asked for, by request. */
let offered: string[][] = [];

class Bouncer extends HubPipelineModule {
  override buildRejoiningGroups(rejoin: RejoinHubGroups): RejoinHubGroups {
    return async (hub, request, groups) => {
      offered.push([hub.name, ...groups]);
      const kept = await rejoin(hub, request, groups);
      return kept.filter((group) => group !== 'dropped');
    };
  }
}

@Hub('grouped')
class GroupedHub extends SignalRHub {
  @HubMethod()
  async join(...groups: string[]): Promise<void> {
    for (const group of groups) {
      await this.groups.add(this.context.connectionId, group);
    }
  }
}

describe.each(platforms)('rejoined groups on %s', (platform) => {
  let apps: [TestApp, TestApp];

  beforeAll(async () => {
    const start = (): Promise<TestApp> =>
      startApp({ platform, hubs: [GroupedHub], signalr: { secret: 'same', pipeline: [new Bouncer()] } });
    apps = [await start(), await start()];
  });

  afterAll(async () => {
    for (const app of apps) {
      await app.close();
      expect(app.logged).toEqual([]);
    }
  });

  test.each(classicTransports.flatMap((transport) => [0, 1].map((node) => [transport, node] as const)))(
    '[classic 143] a module chooses the groups of a client that returns over %s, to process %i',
    async (transport, node) => {
      offered = [];
      const raw = await RawClassicClient.negotiate(`${apps[0].url}/signalr`, { hubs: ['grouped'] });
      const client = new TransportClient(raw, transport);
      await client.connect();
      await raw.request('start');
      // A polling client is on its next request already.
      expect(offered.slice(0, 2)).toEqual([['grouped'], ['grouped']]);
      await client.invoke('grouped', 'join', 'kept', 'dropped');
      while (client.groupsToken === undefined) {
        await client.nextFrame(({ G }) => G !== undefined);
      }
      await client.drop();
      const app = apps[node] as TestApp;
      const returning = new TransportClient(
        raw.elsewhere({ url: `${app.url}/signalr`, hubs: ['grouped'] }),
        transport,
      );
      returning.cursor = client.cursor;
      returning.groupsToken = client.groupsToken;
      await returning.reconnect();
      const hub = app.app.get<IHubContext<GroupedHub>>(getHubContextToken(GroupedHub), { strict: false });
      await expect
        .poll(() => offered.map((names) => names.toSorted()))
        .toContainEqual(['dropped', 'grouped', 'kept']);
      // Messages reach the client once it has subscribed: one that is sure to come is sent until it does.
      const subscribed = returning.nextTexts(1);
      const repeat = setInterval(() => void hub.clients.group('kept').hear('ready'), 20);
      await subscribed;
      clearInterval(repeat);
      await hub.clients.group('dropped').hear('must not come');
      await hub.clients.group('kept').hear('the end');
      let text: unknown;
      while (text !== 'the end') {
        [text] = await returning.nextTexts(1);
        expect(text).not.toBe('must not come');
      }
      await returning.end();
    },
  );
});

@Injectable()
class Suffix {
  readonly text = 'injected';
}

@Injectable()
class InjectedModule extends HubPipelineModule {
  constructor(private readonly suffix: Suffix) {
    super();
  }

  override onAfterIncoming(): string {
    return this.suffix.text;
  }
}

@Hub('injecting')
@UsePipeline(InjectedModule)
class InjectingHub extends SignalRHub {
  @HubMethod()
  work(): void {}
}

describe('modules of an application', () => {
  test('a class given to @UsePipeline is made by dependency injection', async () => {
    const app = await startApp({ hubs: [InjectingHub], providers: [Suffix] });
    const client = await RawClassicClient.connect(`${app.url}/signalr`);
    expect((await client.invoke('injecting', 'work')).R).toBe('injected');
    await client.abort();
    await app.close();
  });

  test('[classic 194] modules can be added until the application has started', async () => {
    const app = await startApp({
      hubs: [InjectingHub],
      providers: [Suffix],
      configure: (nest) => nest.get(HubPipeline).addModule(new Observer('added')),
    });
    steps.clear();
    const client = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['injecting'] });
    expect(await steps.next('the step of the added module')).toBe('added before connect injecting');
    const pipeline = app.app.get(HubPipeline);
    for (const add of [() => pipeline.addModule(new Gate()), () => pipeline.requireAuthentication()]) {
      expect(add).toThrow('Unable to add module. The HubPipeline has already been invoked.');
    }
    await client.abort();
    await app.close();
  });

  test('an application without a server sends through them as well', async () => {
    @Module({ imports: [SignalRModule.forRoot({ pipeline: [new Observer('worker')] })] })
    class WorkerModule {}

    const app = await NestFactory.createApplicationContext(WorkerModule, { logger: false });
    steps.clear();
    const hub = app.get<IHubContext<FirstHub>>(getHubContextToken(FirstHub));
    await hub.clients.all.hear('drop in worker');
    expect(await nextSteps(1)).toEqual(['worker before hear of first to 1']);
    await app.close();
  });

  test('a step that no module takes part in is not there', () => {
    const pipeline = new HubPipeline().addModule(new Gate());
    const { authorizeConnect, ...others } = pipeline.of('any');
    expect(authorizeConnect).toBeTypeOf('function');
    expect(Object.values(others)).toEqual(Array.from({ length: 6 }, () => undefined));
  });
});
