import { Injectable } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  Hub,
  HubContextRegistry,
  HubMethod,
  type HubRequest,
  IUserIdProvider,
  SignalRHub,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { FakeClock } from '../../support/fake-clock.js';

@Injectable()
class QueryUserIdProvider extends IUserIdProvider {
  override getUserId(request: HubRequest): string | undefined {
    return request.query.get('user');
  }
}

@Hub()
class RoomHub extends SignalRHub {
  /** Calls `hear(text)` of a selection: its name and what it is given. */
  @HubMethod()
  async say(selector: string, args: unknown[], text: string): Promise<void> {
    const clients = this.clients as unknown as Record<string, unknown>;
    const selected = clients[selector];
    const proxy = (typeof selected === 'function' ? selected.apply(this.clients, args) : selected) as {
      hear: (text: string) => Promise<void>;
    };
    await proxy.hear(text);
  }

  @HubMethod()
  async join(group: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
  }

  @HubMethod()
  async addOther(connectionId: string, group: string): Promise<void> {
    await this.groups.add(connectionId, group);
  }

  @HubMethod()
  async sayByName(method: string): Promise<void> {
    await this.clients.all.invoke(method, 1, { Two: 2 }, null);
  }
}

@Hub()
class NextDoorHub extends SignalRHub {
  @HubMethod()
  async join(group: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
  }
}

describe.each(platforms)('classic client selection on %s', (platform) => {
  const clock = new FakeClock();
  let app: TestApp;
  let base: string;
  let clients: Record<'ann' | 'bob' | 'cid' | 'outsider', RawClassicClient>;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [RoomHub, NextDoorHub],
      providers: [{ provide: IUserIdProvider, useClass: QueryUserIdProvider }],
      signalr: { clock, classic: { enableDetailedErrors: true } },
    });
    base = `${app.url}/signalr`;
  });

  afterAll(() => app.close());

  beforeEach(async () => {
    const join = (user: string, hubs = ['RoomHub']): Promise<RawClassicClient> =>
      RawClassicClient.connect(base, { hubs, query: `user=${user}` });
    clients = {
      ann: await join('ann'),
      bob: await join('bob'),
      cid: await join('ann'),
      outsider: await join('out', ['NextDoorHub']),
    };
  });

  afterEach(() => Promise.all(Object.values(clients).map((client) => client.abort())));

  /** Who hears what ann says to a selection; every client is asked until it has heard the last word. */
  async function heardBy(
    ...utterances: [selector: string, ...args: unknown[]][]
  ): Promise<Record<string, number>> {
    for (const [selector, ...args] of utterances) {
      await clients.ann.invoke('RoomHub', 'say', selector, args, 'x');
    }
    const heard: Record<string, number> = {};
    for (const [name, client] of Object.entries(clients)) {
      // Its own answer comes behind everything that was sent to it before.
      await client.invoke('RoomHub', 'say', 'clients', [[]], '');
      heard[name] = client.passedOver.filter(({ M }) => M === 'hear').length;
    }
    return heard;
  }

  test('[classic 175] all: who lists the hub, and nobody else', async () => {
    expect(await heardBy(['all'])).toEqual({ ann: 1, bob: 1, cid: 1, outsider: 0 });
  });

  test('[classic 176] hub and method as the server spells them, arguments always a list', async () => {
    await clients.ann.invoke('roomhub', 'SAYBYNAME', 'addMessage');
    expect(await clients.bob.nextCall()).toEqual({ H: 'RoomHub', M: 'addMessage', A: [1, { Two: 2 }, null] });
  });

  test('[classic 177] exclusions', async () => {
    const { ann, bob, cid } = clients;
    expect(await heardBy(['others'])).toEqual({ ann: 0, bob: 1, cid: 1, outsider: 0 });
    expect(await heardBy(['allExcept', [bob.connectionId]])).toEqual({ ann: 1, bob: 1, cid: 2, outsider: 0 });
    for (const client of [ann, bob, cid]) {
      await client.invoke('RoomHub', 'join', 'g');
    }
    expect(await heardBy(['group', 'g', cid.connectionId])).toMatchObject({ ann: 2, bob: 2, cid: 2 });
    expect(await heardBy(['othersInGroup', 'g'])).toMatchObject({ ann: 2, bob: 3, cid: 3 });
    expect(await heardBy(['othersInGroups', ['g', 'h']])).toMatchObject({ ann: 2, bob: 4, cid: 4 });
  });

  test('[classic 178] connections and users', async () => {
    const { bob, cid } = clients;
    expect(await heardBy(['client', bob.connectionId])).toEqual({ ann: 0, bob: 1, cid: 0, outsider: 0 });
    expect(await heardBy(['clients', [bob.connectionId, cid.connectionId]])).toMatchObject({
      bob: 2,
      cid: 1,
    });
    expect(await heardBy(['user', 'ann'])).toMatchObject({ ann: 1, bob: 2, cid: 2 });
    expect(await heardBy(['users', ['ann', 'bob']])).toMatchObject({ ann: 2, bob: 3, cid: 3 });
    expect(await heardBy(['client', clients.outsider.connectionId], ['user', 'out'])).toMatchObject({
      outsider: 0,
    });
  });

  test('[classic 179] a member of two groups gets a message to both twice', async () => {
    await clients.bob.invoke('RoomHub', 'join', 'a');
    await clients.bob.invoke('RoomHub', 'join', 'b');
    expect(await heardBy(['groups', ['a', 'b']])).toMatchObject({ bob: 2, ann: 0 });
  });

  test('[classic 180] [classic 181] groups belong to a hub, and their names have a case', async () => {
    await clients.outsider.invoke('NextDoorHub', 'join', 'club');
    await clients.bob.invoke('RoomHub', 'join', 'club');
    await clients.cid.invoke('RoomHub', 'join', 'Club');
    expect(await heardBy(['group', 'club'])).toEqual({ ann: 0, bob: 1, cid: 0, outsider: 0 });
  });

  test.each([
    ['client', ''],
    ['group', ''],
    ['clients', null],
    ['user', ''],
  ])('[classic 182] %s(%o) is an error', async (selector, argument) => {
    const answer = await clients.ann.invoke('RoomHub', 'say', selector, [argument], 'x');
    expect(answer.E).toBe('Argument cannot be null or empty');
  });

  test('[classic 183] after joining, a message to the group arrives', async () => {
    for (let round = 0; round < 20; round++) {
      await clients.ann.invoke('RoomHub', 'addOther', clients.bob.connectionId, `g${round}`);
      await clients.ann.invoke('RoomHub', 'say', 'group', [`g${round}`], `${round}`);
      expect((await clients.bob.nextCall()).A).toEqual([`${round}`]);
    }
  });

  test('[classic 184] joining for a connection that is not there is cancelled after 30 s', async () => {
    const answer = clients.ann.invoke('RoomHub', 'addOther', 'nobody', 'g');
    // The call has reached the hub once a later one is answered.
    const { cid } = clients;
    await cid.invoke('RoomHub', 'join', 'witness');
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(29_000);
    expect(clients.ann.passedOver).toEqual([]);
    await clock.advance(6_000);
    expect((await answer).E).toContain('The operation was canceled');
  });

  test('[classic 185] user ids come from the provider', async () => {
    expect(await heardBy(['user', 'bob'])).toEqual({ ann: 0, bob: 1, cid: 0, outsider: 0 });
  });

  test('[classic 186] [classic 187] from outside of a hub, by class or name', async () => {
    const registry = app.app.get(HubContextRegistry);
    await registry.get(RoomHub).clients.all.invoke('fromClass', 1);
    await registry.get('ROOMHUB').clients.client(clients.bob.connectionId).invoke('fromName', 2);
    expect(await clients.bob.nextCall()).toEqual({ H: 'RoomHub', M: 'fromClass', A: [1] });
    expect(await clients.bob.nextCall()).toEqual({ H: 'RoomHub', M: 'fromName', A: [2] });
    expect(() => registry.get('nobody')).toThrow(`'nobody' Hub could not be resolved.`);
  });
});
