import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  Hub,
  HubContextRegistry,
  type HubIncomingContext,
  type HubLifecycleContext,
  HubMethod,
  HubPipelineModule,
  type IHubContext,
  IUserIdProvider,
  MemoryBackplane,
  MemoryBroker,
  SignalRHub,
  UsePipeline,
} from 'nestjs-signalr';
import { type CoreTestClient, createTestClient, FakeClock, FaultyBackplane } from 'nestjs-signalr/testing';

import { platforms, startApp, type TestApp } from '../../support/app.js';

const steps: string[] = [];

/** Notes when it is entered and left. */
class Ring extends HubPipelineModule {
  constructor(private readonly name: string) {
    super();
  }

  override onBeforeIncoming({ target }: HubIncomingContext): void {
    steps.push(`${this.name} before ${target}`);
  }

  override onAfterIncoming(_: unknown, { target }: HubIncomingContext): void {
    steps.push(`${this.name} after ${target}`);
  }

  override onBeforeConnect(_: HubLifecycleContext): void {
    steps.push(`${this.name} connect`);
  }

  override onBeforeDisconnect(_: HubLifecycleContext): void {
    steps.push(`${this.name} disconnect`);
  }
}

interface FarmClient {
  hear(text: string): void;
  ask(): Promise<string>;
}

@Hub('farm')
@UsePipeline(new Ring('hub'))
class FarmHub extends SignalRHub<FarmClient> {
  @HubMethod()
  id(): string {
    return this.context.connectionId;
  }
}

class HeaderUser extends IUserIdProvider {
  override getUserId({ headers }: { headers: Record<string, unknown> }): string | undefined {
    return headers['x-user'] as string | undefined;
  }
}

describe.each(platforms)('two servers on %s', (platform) => {
  const clock = new FakeClock();
  const broker = new MemoryBroker({ bufferSize: 100, retention: 1_000, maxIdleTopics: 100 });
  const backplanes = [0, 1].map(() => new FaultyBackplane(new MemoryBackplane({ broker, clock })));
  let apps: TestApp[];
  let hubs: IHubContext<FarmHub>[];
  let clients: CoreTestClient<FarmHub>[];
  /** How many of the calls of each client have been looked at. */
  const read = [0, 0];

  beforeAll(async () => {
    apps = await Promise.all(
      backplanes.map((backplane) =>
        startApp({
          platform,
          hubs: [FarmHub],
          signalr: { backplane, clock, pipeline: [new Ring('outer'), new Ring('inner')] },
          providers: [{ provide: IUserIdProvider, useClass: HeaderUser }],
        }),
      ),
    );
    hubs = apps.map(({ app }) => app.get(HubContextRegistry).get(FarmHub));
    clients = await Promise.all(
      apps.map(({ app }, index) =>
        createTestClient(app, FarmHub, { headers: { 'x-user': `user ${index}` } }),
      ),
    );
    await Promise.all(clients.map((client) => client.invoke('id')));
  });

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(apps.map((app) => app.close()));
  });

  /** What each client has heard, once everything that was sent before has arrived. */
  async function heard(): Promise<unknown[][]> {
    await hubs[0]?.clients.all.hear('end');
    return Promise.all(
      clients.map(async (client, index) => {
        await client.waitFor('hear', (text: string) => text === 'end');
        const texts = client.received.slice(read[index]).map(({ args }) => args[0]);
        read[index] = client.received.length;
        return texts.filter((text) => text !== 'end');
      }),
    );
  }

  test('[core 183] every selector reaches clients of both exactly once', async () => {
    const [here, there] = clients as [CoreTestClient<FarmHub>, CoreTestClient<FarmHub>];
    const from = (hubs[0] as IHubContext<FarmHub>).clients;
    await from.all.hear('all');
    await from.user('user 1').hear('user');
    await from.client(there.connectionId).hear('client');
    await from.allExcept([here.connectionId]).hear('except');
    expect(await heard()).toEqual([['all'], ['all', 'user', 'client', 'except']]);
  });

  test('[core 184] a group takes in connections of the other server', async () => {
    const [here, there] = clients as [CoreTestClient<FarmHub>, CoreTestClient<FarmHub>];
    await hubs[0]?.groups.add(there.connectionId, 'g');
    await hubs[0]?.groups.add(here.connectionId, 'g');
    await hubs[1]?.clients.group('g').hear('group');
    await hubs[1]?.groups.remove(here.connectionId, 'g');
    await hubs[1]?.clients.group('g').hear('less');
    expect(await heard()).toEqual([['group'], ['group', 'less']]);
  });

  test('[core 185] nobody owns an unknown connection, and after 30 s that is said', async () => {
    const adding = hubs[0]?.groups.add('nobody', 'g').catch((error: unknown) => error);
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(29_000);
    expect(await Promise.race([adding, Promise.resolve('waiting')])).toBe('waiting');
    await clock.advance(1_000);
    expect(await adding).toMatchObject({ code: 'SIGNALR_ACK_TIMEOUT' });
  });

  test('[core 186] a client of the other server answers', async () => {
    clients[1]?.on('ask', () => Promise.resolve('from there'));
    const there = clients[1]?.connectionId as string;
    expect(await hubs[0]?.clients.client(there).invoke('ask')).toBe('from there');
    await expect(hubs[0]?.clients.client('x').invoke('ask')).rejects.toThrow(
      `Connection 'x' does not exist.`,
    );
    expect(await hubs[0]?.clients.users(['user 1']).invokeAll('ask', [])).toEqual([
      { connectionId: there, status: 'fulfilled', value: 'from there' },
    ]);
    await heard();
  });

  test('[core 187] while the bus is down sends fail, connections live, and then all is well again', async () => {
    const [bus] = backplanes as [FaultyBackplane];
    bus.line = 'down';
    await expect(hubs[0]?.clients.all.hear('lost')).rejects.toBe(bus.error);
    expect(await clients[0]?.invoke('id')).toBe(clients[0]?.connectionId);
    bus.line = 'up';
    await hubs[0]?.clients.all.hear('back');
    await hubs[1]?.clients.all.hear('back too');
    expect(await heard()).toEqual([
      ['back', 'back too'],
      ['back', 'back too'],
    ]);
    apps.forEach(({ logged }) => logged.splice(0));
  });

  test('[core 162] modules run in their order, those of all hubs first, around all three events', async () => {
    steps.length = 0;
    const client = await createTestClient((apps[0] as TestApp).app, FarmHub);
    await client.invoke('id');
    await client.close();
    await expect.poll(() => steps.length).toBe(12);
    const rings = ['outer', 'inner', 'hub'];
    expect(steps).toEqual([
      ...rings.map((ring) => `${ring} connect`),
      ...rings.map((ring) => `${ring} before id`),
      ...rings.toReversed().map((ring) => `${ring} after id`),
      ...rings.map((ring) => `${ring} disconnect`),
    ]);
  });
});
