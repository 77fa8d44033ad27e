import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Hub, HubMethod, HubProgress, type IProgress, IUserIdProvider, SignalRHub } from 'nestjs-signalr';

import { RawClassicClient } from '../../support/classic-client.js';
import { classicTransports, TransportClient } from '../../support/classic-transports.js';
import { Farm } from '../../support/farm.js';
import { bySender, describeFarm, perServer } from '../../support/farm-suite.js';
import { Inbox } from '../../support/inbox.js';
import { http } from '../../support/http.js';

interface FarmClient {
  hear(text: string): void;
}

const events = new Inbox<string>();

@Hub('farm')
class FarmHub extends SignalRHub<FarmClient> {
  override onConnected(): void {
    this.context.items.set('calls', []);
    events.put(`connected ${this.context.connectionId}`);
  }

  override onReconnected(): void {
    events.put(`reconnected ${this.context.connectionId}`);
  }

  override onDisconnected(stopCalled: boolean): void {
    events.put(`disconnected ${this.context.connectionId} ${stopCalled}`);
  }

  /** Gives everything that this connection has noted before: calls must come in order, to the same connection. */
  @HubMethod()
  note(value: number): number[] {
    const calls = this.context.items.get('calls') as number[];
    calls.push(value);
    return [...calls];
  }

  @HubMethod()
  async join(group: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
  }

  @HubMethod()
  async leave(group: string): Promise<void> {
    await this.groups.remove(this.context.connectionId, group);
  }

  @HubMethod()
  async tellOthers(text: string): Promise<void> {
    await this.clients.others.hear(text);
  }

  @HubMethod()
  async count(to: number, @HubProgress() progress: IProgress<number>): Promise<string> {
    for (let value = 1; value <= to; value++) {
      await progress.report(value);
    }
    return 'counted';
  }
}

class QueryUser extends IUserIdProvider {
  override getUserId({ query }: { query: { get(name: string): string | undefined } }): string | undefined {
    return query.get('user');
  }
}

describeFarm('three servers without sticky sessions, classic clients,', (platform, backplaneOptions) => {
  let farm: Farm;
  const clients: TransportClient[] = [];

  beforeEach(async () => {
    events.clear();
    farm = await Farm.start(3, {
      platform,
      hubs: [FarmHub],
      ...backplaneOptions(),
      providers: [{ provide: IUserIdProvider, useClass: QueryUser }],
    });
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end()));
    await farm.close();
    expect(farm.logged).toEqual([]);
  });

  describe.each(classicTransports)('over %s', (transport) => {
    async function connect(user = ''): Promise<TransportClient> {
      const raw = await RawClassicClient.negotiate(`${farm.url}/signalr`, {
        hubs: ['farm'],
        query: `user=${user}`,
      });
      const client = new TransportClient(raw, transport);
      clients.push(client);
      expect((await client.start()).body).toBe('{"Response":"started"}');
      expect(await events.next('the greeting')).toBe(`connected ${client.connectionId}`);
      return client;
    }

    test('calls reach their connection in order, and are answered', async () => {
      const client = await connect();
      for (let value = 0; value < 7; value++) {
        const { R } = await client.invoke('farm', 'note', value);
        expect(R).toEqual(Array.from({ length: value + 1 }, (_, index) => index));
      }
      const servers = new Set(farm.proxy.served.map(({ server }) => server));
      expect(servers.size).toBe(3);
    });

    test('everybody hears what is meant for him, once and in order, from any server', async () => {
      const [ann, bob] = [await connect('ann'), await connect('bob')];
      await ann.invoke('farm', 'join', 'room');
      await ann.invoke('farm', 'tellOthers', 'hello');
      // Of different senders, the one on his own server may be faster.
      expect(await bob.nextTexts(1)).toEqual(['hello']);
      for (const server of [0, 1, 2]) {
        const hub = farm.hub(FarmHub, server);
        await hub.clients.all.hear(`all ${server}`);
        await hub.clients.group('room').hear(`group ${server}`);
        await hub.clients.user('bob').hear(`user ${server}`);
        await hub.clients.client(ann.connectionId).hear(`client ${server}`);
      }
      expect(bySender(await ann.nextTexts(9))).toEqual(perServer(['all', 'group', 'client']));
      expect(bySender(await bob.nextTexts(6))).toEqual(perServer(['all', 'user']));
      await farm.hub(FarmHub, 1).clients.all.hear('end');
      expect([await ann.nextTexts(1), await bob.nextTexts(1)]).toEqual([['end'], ['end']]);
    });

    test('progress comes before the result', async () => {
      const client = await connect();
      const counted = client.invoke('farm', 'count', 3);
      const reported: unknown[] = [];
      while (reported.length < 3) {
        const { M = [] } = await client.nextFrame(({ M: messages = [] }) => messages.length > 0);
        reported.push(...M.map((message) => (message as unknown as { P: { D: unknown } }).P.D));
      }
      expect(reported).toEqual([1, 2, 3]);
      expect((await counted).R).toBe('counted');
    });

    test('who comes back to another server finds its groups and what it has missed, once and in order', async () => {
      const client = await connect();
      const { connectionId } = client;
      await client.invoke('farm', 'join', 'room');
      await client.invoke('farm', 'join', 'left');
      await farm.hub(FarmHub, 1).clients.group('room').hear('before');
      expect(await client.nextTexts(1)).toEqual(['before']);
      for (const round of [0, 1, 2, 3]) {
        await client.drop();
        await farm.hub(FarmHub, round % 3).groups.remove(connectionId, round % 2 === 0 ? 'left' : 'none');
        const sent: string[] = [];
        for (const server of [0, 1, 2, 0]) {
          const hub = farm.hub(FarmHub, server);
          sent.push(`group ${round} ${sent.length} by ${server}`);
          await hub.clients.group('room').hear(sent.at(-1) as string);
          await hub.clients.group('left').hear('not for those who have left');
          sent.push(`client ${round} ${sent.length} by ${server}`);
          await hub.clients.client(connectionId).hear(sent.at(-1) as string);
        }
        await client.reconnect();
        expect(bySender(await client.nextTexts(sent.length))).toEqual(bySender(sent));
        await farm.hub(FarmHub, 2).clients.group('room').hear(`after ${round}`);
        expect(await client.nextTexts(1)).toEqual([`after ${round}`]);
        expect(await events.next('the return')).toBe(`reconnected ${connectionId}`);
        expect(await farm.hub(FarmHub).connections.count()).toBe(1);
      }
      await farm.hub(FarmHub, 1).groups.add(connectionId, 'new');
      await farm.hub(FarmHub, 2).clients.group('new').hear('new');
      expect(await client.nextTexts(1)).toEqual(['new']);
      const groups = await farm.hub(FarmHub, 0).connections.groupsOf(connectionId);
      expect(groups.toSorted()).toEqual(['new', 'room']);
      expect(events.pending).toEqual([]);
    });

    test('a goodbye reaches the hub once, as one, over any server', async () => {
      const client = await connect();
      await client.end();
      expect(await events.next('the end')).toBe(`disconnected ${client.connectionId} true`);
      await expect.poll(() => farm.hub(FarmHub).connections.count()).toBe(0);
      expect(events.pending).toEqual([]);
    });

    test('a goodbye after coming back elsewhere, too', async () => {
      const client = await connect();
      await client.drop();
      await client.reconnect();
      expect(await events.next('the return')).toBe(`reconnected ${client.connectionId}`);
      await client.end();
      expect(await events.next('the end')).toBe(`disconnected ${client.connectionId} true`);
      await expect.poll(() => farm.hub(FarmHub).connections.count()).toBe(0);
      expect(events.pending).toEqual([]);
    });

    test('who is sent away is refused by every server', async () => {
      const client = await connect();
      const ends = client.lineEnded();
      await farm.hub(FarmHub, 1).connections.disconnect(client.connectionId, { reason: 'go' });
      expect(await events.next('the end')).toBe(`disconnected ${client.connectionId} false`);
      await ends;
      for (const server of [0, 1, 2]) {
        farm.proxy.turnTo(server);
        const answer = await http('POST', `${farm.url}/signalr/send?${client.client.query()}`, {
          body: 'data={}',
        });
        expect([answer.status, answer.body]).toEqual([403, 'go']);
        farm.proxy.turnTo(server);
        const again = await http(
          'GET',
          `${farm.url}/signalr/reconnect?${client.client.query()}`.replace('webSockets', 'serverSentEvents'),
        );
        expect([again.status, again.body]).toEqual([403, 'go']);
      }
    });
  });
});
