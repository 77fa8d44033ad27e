import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  getHubContextToken,
  Hub,
  type HubRequest,
  type IHubContext,
  IUserIdProvider,
  MemoryBackplane,
  SignalRHub,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { classicTransports, TransportClient } from '../../support/classic-transports.js';
import { RawCoreClient } from '../../support/core-client.js';
import { http } from '../../support/http.js';
import { Inbox } from '../../support/inbox.js';
import { LineBreaker } from '../../support/line-breaker.js';

/** Connections that hubs have seen go. */
const goodbyes = new Inbox<{ readonly id: string; readonly stopCalled: boolean }>();

@Hub('people')
class PeopleHub extends SignalRHub {
  override onDisconnected(stopCalled: boolean): void {
    goodbyes.put({ id: this.context.connectionId, stopCalled });
  }
}

@Hub('others')
class OthersHub extends SignalRHub {}

class QueryUserIds extends IUserIdProvider {
  override getUserId({ query }: HubRequest): string | undefined {
    return query.get('user');
  }
}

/** A client of either family, as far as these tests need one. */
interface Client {
  readonly id: string;
  /** First argument of the next call. */
  next(): Promise<unknown>;
  leave(): Promise<void>;
}

describe.each(platforms)('who is connected, on %s', (platform) => {
  const backplane = new MemoryBackplane();
  let app: TestApp;
  let lines: LineBreaker;
  let people: IHubContext<PeopleHub>;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [PeopleHub, OthersHub],
      providers: [{ provide: IUserIdProvider, useClass: QueryUserIds }],
      signalr: { backplane },
    });
    lines = new LineBreaker(app);
    people = app.app.get<IHubContext<PeopleHub>>(getHubContextToken(PeopleHub), { strict: false });
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  afterEach(async () => {
    await expect.poll(() => backplane.directory.count({})).toBe(0);
    goodbyes.clear();
  });

  const families = {
    async classic(user: string, hub = 'people'): Promise<Client> {
      const client = await RawClassicClient.connect(`${app.url}/signalr`, {
        hubs: [hub],
        query: `user=${user}`,
      });
      return {
        id: client.connectionId,
        next: async () => (await client.nextCall()).A[0],
        leave: async () => void (await client.abort()),
      };
    },
    async core(user: string, hub = 'people'): Promise<Client> {
      const client = await RawCoreClient.connect(`${app.url}/signalr/${hub}`, {}, `user=${user}`);
      return {
        id: client.connectionId as string,
        next: async () => ((await client.next()).arguments as unknown[])[0],
        leave: async () => client.close(),
      };
    },
  };

  describe.each(['classic', 'core'] as const)('%s clients', (family) => {
    const connect = families[family];

    test('are listed and counted by hub, user and group', async () => {
      const [ann, bob, far] = [await connect('ann'), await connect('bob'), await connect('ann', 'others')];
      await people.groups.add(ann.id, 'a.b');
      const { connections } = people;
      expect((await connections.list()).map(({ connectionId }) => connectionId)).toEqual([ann.id, bob.id]);
      expect(await connections.list({ userId: 'bob' })).toEqual([
        expect.objectContaining({ connectionId: bob.id, protocol: family, userId: 'bob' }),
      ]);
      expect(await connections.count()).toBe(2);
      expect(await connections.count({ group: 'a.b' })).toBe(1);
      expect(await connections.count({ group: 'a.b', userId: 'bob' })).toBe(0);
      expect(await connections.groupsOf(ann.id)).toEqual(['a.b']);
      expect(await connections.groupsOf('nobody')).toEqual([]);
      expect([await connections.isOnline('ann'), await connections.isOnline('eve')]).toEqual([true, false]);
      await Promise.all([ann, bob, far].map((client) => client.leave()));
    });

    test('a user comes with the first connection and goes with the last', async () => {
      const heard: string[] = [];
      const stop = [
        people.connections.onUserOnline((user) => heard.push(`${user} came`)),
        people.connections.onUserOffline((user) => heard.push(`${user} went`)),
      ];
      const clients = [await connect('ann'), await connect('ann'), await connect('eve', 'others')];
      expect(heard).toEqual(['ann came']);
      await clients[0]?.leave();
      await expect.poll(() => people.connections.count()).toBe(1);
      expect(heard).toEqual(['ann came']);
      await clients[1]?.leave();
      await expect.poll(() => heard).toEqual(['ann came', 'ann went']);
      stop.forEach((end) => end());
      const late = await connect('ann');
      expect(heard).toHaveLength(2);
      await clients[2]?.leave();
      await late.leave();
    });

    test('a listener that fails is logged, and harms nobody', async () => {
      const stop = [
        people.connections.onUserOnline(() => {
          throw new Error('listener failed at once');
        }),
        people.connections.onUserOnline(() => Promise.reject(new Error('listener failed later'))),
      ];
      const client = await connect('ann');
      await expect.poll(() => app.logged.length).toBe(2);
      expect(app.logged.splice(0).join()).toMatch(/failed at once[\s\S]*failed later/);
      stop.forEach((end) => end());
      await client.leave();
    });

    test('a group can have users, with the connections that they have and will have', async () => {
      const before = await connect('ann');
      await people.groups.addUser('ann', 'team');
      const after = await connect('ann');
      const stranger = await connect('bob');
      await people.clients.group('team').hear('to the team');
      await people.clients.all.hear('to all');
      expect([await before.next(), await after.next()]).toEqual(['to the team', 'to the team']);
      expect(await stranger.next()).toBe('to all');
      await people.groups.removeUser('ann', 'team');
      const last = await connect('ann');
      expect(await people.connections.count({ group: 'team' })).toBe(0);
      await Promise.all([before, after, stranger, last].map((client) => client.leave()));
    });

    test('a connection can be left out of what goes to its user', async () => {
      const [first, second] = [await connect('ann'), await connect('ann')];
      await people.clients.user('ann', first.id).hear('to the other');
      await people.clients.users(['ann'], second.id).hear('to this');
      expect([await second.next(), await first.next()]).toEqual(['to the other', 'to this']);
      await Promise.all([first, second].map((client) => client.leave()));
    });

    test.each([
      ['a connection', (id: string) => id, 1],
      ['a user', () => ({ userId: 'ann' }), 2],
      ['a group', () => ({ group: 'g' }), 1],
      ['one that is unknown', () => 'nobody', 0],
      ['one of another hub', (_: string, far: string) => far, 0],
    ])('can be disconnected: %s', async (_, targetOf, count) => {
      const [first, second, far] = [
        await connect('ann'),
        await connect('ann'),
        await connect('eve', 'others'),
      ];
      await people.groups.add(second.id, 'g');
      expect(await people.connections.disconnect(targetOf(first.id, far.id))).toBe(count);
      for (let ended = 0; ended < count; ended++) {
        expect(await goodbyes.next('a goodbye')).toMatchObject({ stopCalled: false });
      }
      expect(await people.connections.count()).toBe(2 - count);
      await Promise.all([first, second, far].map((client) => client.leave()));
    });
  });

  test.each(classicTransports)(
    'a classic client that is sent away over %s is told, and refused',
    async (transport) => {
      const raw = await RawClassicClient.negotiate(`${app.url}/signalr`, { hubs: ['people'] });
      const client = new TransportClient(raw, transport);
      await client.connect();
      await people.connections.disconnect(client.connectionId, { reason: 'banned "for ever"' });
      expect(await client.nextFrame(({ E }) => E !== undefined)).toMatchObject({
        D: 1,
        E: 'banned "for ever"',
        M: [],
      });
      await client.lineEnded();
      expect(await goodbyes.next('the goodbye')).toEqual({ id: client.connectionId, stopCalled: false });
      expect(await raw.request('reconnect')).toMatchObject({
        status: 403,
        body: 'banned "for ever"',
      });
      // Also if it asks for the first time after that, as a client between two polls does.
      const query = raw.query().replace('webSockets', 'longPolling');
      const poll = await http('GET', `${app.url}/signalr/poll?${query}`);
      expect(JSON.parse(poll.body)).toMatchObject({ D: 1, E: 'banned "for ever"', M: [] });
      expect((await raw.abort()).status).toBe(200);
      await client.drop();
    },
  );

  test.each(classicTransports)(
    'a classic client that may come back over %s goes on where it was',
    async (transport) => {
      const raw = await RawClassicClient.negotiate(`${app.url}/signalr`, { hubs: ['people'] });
      const client = new TransportClient(raw, transport);
      await client.connect();
      await people.groups.add(client.connectionId, 'g');
      await client.nextFrame(({ G }) => G !== undefined);
      await vi.waitUntil(() => transport !== 'longPolling' || lines.holds('/poll?'));
      await people.connections.disconnect(client.connectionId, { allowReconnect: true });
      await client.lineEnded();
      await people.clients.group('g').hear('while away');
      await client.reconnect();
      expect(await client.nextTexts(1)).toEqual(['while away']);
      await client.end();
      expect(await goodbyes.next('the goodbye')).toEqual({ id: client.connectionId, stopCalled: true });
    },
  );

  test.each([
    [{ reason: 'banned' }, { type: 7, error: 'banned' }],
    [{ allowReconnect: true }, { type: 7, allowReconnect: true }],
    [{}, { type: 7 }],
  ])('a Core client that is sent away gets a Close: %j', async (request, close) => {
    const client = await RawCoreClient.connect(`${app.url}/signalr/people`);
    await people.connections.disconnect(client.connectionId as string, request);
    expect(await client.next('the close')).toEqual(close);
    await client.socket.closed;
  });
});
