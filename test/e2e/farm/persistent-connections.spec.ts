import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  Hub,
  type HubRequest,
  type IPersistentConnectionContext,
  PersistentConnection,
  PersistentConnectionRegistry,
  SignalRHub,
  SignalRPersistentConnection,
} from 'nestjs-signalr';

import { RawClassicClient } from '../../support/classic-client.js';
import { classicTransports, TransportClient } from '../../support/classic-transports.js';
import { Farm } from '../../support/farm.js';
import { bySender, describeFarm, perServer } from '../../support/farm-suite.js';
import { Inbox } from '../../support/inbox.js';

const events = new Inbox<string>();

@PersistentConnection('/farm.raw')
class FarmConnection extends SignalRPersistentConnection {
  override onConnected(_request: HubRequest, connectionId: string): void {
    events.put(`connected ${connectionId}`);
  }

  override onReconnected(_request: HubRequest, connectionId: string): void {
    events.put(`reconnected ${connectionId}`);
  }

  override onDisconnected(_request: HubRequest, connectionId: string, stopCalled: boolean): void {
    events.put(`disconnected ${connectionId} ${stopCalled}`);
  }

  override async onReceived({ query }: HubRequest, connectionId: string, data: string): Promise<void> {
    const [command, argument = ''] = data.split(':');
    switch (command) {
      case 'join':
        return this.groups.add(connectionId, argument);
      case 'leave':
        return this.groups.remove(connectionId, argument);
      case 'others':
        return this.connection.broadcast(argument, connectionId);
      default:
        return this.connection.send(connectionId, { got: data, user: query.get('user') });
    }
  }

  /** Is asked on every request, polls included. */
  override onRejoiningGroups({ url }: HubRequest, groups: readonly string[]): readonly string[] {
    return url.includes('/reconnect') ? groups.filter((group) => group !== 'not for who returns') : groups;
  }
}

/** Beside it, at the same servers. */
@Hub('farm')
class FarmHub extends SignalRHub<{ hear(text: string): void }> {}

describeFarm(
  'three servers without sticky sessions, a persistent connection,',
  (platform, backplaneOptions) => {
    let farm: Farm;
    const clients: TransportClient[] = [];

    beforeEach(async () => {
      events.clear();
      farm = await Farm.start(3, {
        platform,
        hubs: [FarmHub],
        providers: [FarmConnection],
        ...backplaneOptions(),
      });
    });

    afterEach(async () => {
      await Promise.all(clients.splice(0).map((client) => client.end()));
      await farm.close();
      expect(farm.logged).toEqual([]);
    });

    const at = (server: number): IPersistentConnectionContext =>
      (farm.apps[server] as (typeof farm.apps)[number]).app
        .get(PersistentConnectionRegistry)
        .get(FarmConnection);

    describe.each(classicTransports)('over %s', (transport) => {
      async function connect(user = ''): Promise<TransportClient> {
        const raw = await RawClassicClient.negotiate(`${farm.url}/farm.raw`, { query: `user=${user}` });
        const client = new TransportClient(raw, transport);
        clients.push(client);
        expect((await client.start()).body).toBe('{"Response":"started"}');
        expect(await events.next('the greeting')).toBe(`connected ${client.connectionId}`);
        return client;
      }

      test('texts reach it in order over any server, with the request that each came with', async () => {
        const client = await connect('ann');
        const texts = Array.from({ length: 7 }, (_, index) => `${index}, ü 😀 "a" & b`);
        for (const text of texts) {
          expect(await client.post(text)).toMatchObject({ status: 200, body: '' });
        }
        expect(await client.nextValues(7)).toEqual(texts.map((got) => ({ got, user: 'ann' })));
        await client.sendText('by the transport');
        expect(await client.nextValues(1)).toEqual([{ got: 'by the transport', user: 'ann' }]);
        expect(new Set(farm.proxy.served.map(({ server }) => server)).size).toBe(3);
      });

      test('everybody gets the values that are meant for him, once and in order, from any server', async () => {
        const [ann, bob] = [await connect(), await connect()];
        await ann.post('join:room');
        await ann.post('others:hello');
        expect(await bob.nextValues(1)).toEqual(['hello']);
        for (const server of [0, 1, 2]) {
          const { connection, groups } = at(server);
          await connection.broadcast(`all ${server}`);
          await connection.broadcast(`not for bob ${server}`, bob.connectionId);
          await groups.send('room', `group ${server}`);
          await groups.send(['room', 'Room'], `nobody ${server}`, ann.connectionId);
          await connection.send([ann.connectionId], `client ${server}`);
        }
        expect(bySender(await ann.nextValues(12))).toEqual(
          perServer(['all', 'not for bob', 'group', 'client']),
        );
        expect(bySender(await bob.nextValues(3))).toEqual(perServer(['all']));
        await farm.hub(FarmHub, 2).clients.all.hear('for clients of the hub');
        await at(1).connection.broadcast({ the: ['end', null, 1.5] });
        expect([await ann.nextValues(1), await bob.nextValues(1)]).toEqual([
          [{ the: ['end', null, 1.5] }],
          [{ the: ['end', null, 1.5] }],
        ]);
      });

      test('who comes back to another server finds its groups and what it has missed, once and in order', async () => {
        const client = await connect();
        const { connectionId } = client;
        await client.post('join:room');
        await client.post('join:left');
        await at(1).groups.send('room', 'before');
        expect(await client.nextValues(1)).toEqual(['before']);
        for (const round of [0, 1, 2, 3]) {
          await client.drop();
          await at(round % 3).groups.remove(connectionId, round % 2 === 0 ? 'left' : 'none');
          const sent: string[] = [];
          for (const server of [0, 1, 2, 0]) {
            const { connection, groups } = at(server);
            sent.push(`group ${round} ${sent.length} by ${server}`);
            await groups.send('room', sent.at(-1));
            await groups.send('left', 'not for those who have left');
            sent.push(`client ${round} ${sent.length} by ${server}`);
            await connection.send(connectionId, sent.at(-1));
          }
          await client.reconnect();
          expect(bySender(await client.nextValues(sent.length))).toEqual(bySender(sent));
          await at(2).groups.send('room', `after ${round}`);
          expect(await client.nextValues(1)).toEqual([`after ${round}`]);
          expect(await events.next('the return')).toBe(`reconnected ${connectionId}`);
        }
        await at(1).groups.add(connectionId, 'new');
        await at(2).groups.send('new', 'new');
        expect(await client.nextValues(1)).toEqual(['new']);
        await client.post('leave:new');
        await at(0).groups.send('new', 'too late');
        await at(0).groups.send('room', 'the end');
        expect(await client.nextValues(1)).toEqual(['the end']);
        expect(events.pending).toEqual([]);
      });

      test('who comes back to another server gets the groups that the connection chooses', async () => {
        const client = await connect();
        await client.post('join:room');
        await client.post('join:not for who returns');
        await at(1).groups.send('not for who returns', 'before');
        await client.nextValues(1);
        await client.drop();
        await client.reconnect();
        expect(await events.next('the return')).toBe(`reconnected ${client.connectionId}`);
        for (const server of [0, 1, 2]) {
          await at(server).groups.send('not for who returns', `after ${server}`);
          await at(server).groups.send('room', `room ${server}`);
        }
        expect(bySender(await client.nextValues(3))).toEqual({ 0: ['room 0'], 1: ['room 1'], 2: ['room 2'] });
      });

      test('a goodbye reaches it once, as one, over any server', async () => {
        const client = await connect();
        await client.end();
        expect(await events.next('the end')).toBe(`disconnected ${client.connectionId} true`);
        expect((await client.post('too late')).status).toBe(200);
        expect(events.pending).toEqual([]);
      });

      test('a goodbye after coming back elsewhere, too', async () => {
        const client = await connect();
        await client.drop();
        await client.reconnect();
        expect(await events.next('the return')).toBe(`reconnected ${client.connectionId}`);
        await client.end();
        expect(await events.next('the end')).toBe(`disconnected ${client.connectionId} true`);
        expect(events.pending).toEqual([]);
      });
    });
  },
);
