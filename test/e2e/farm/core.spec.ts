import * as signalR from '@microsoft/signalr';
import { MessagePackHubProtocol as ClientProtocol } from '@microsoft/signalr-protocol-msgpack';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Hub, HubMethod, HubStream, IUserIdProvider, SignalRHub } from 'nestjs-signalr';
import { MessagePackHubProtocol } from 'nestjs-signalr/msgpack';

import { coreTransports } from '../../support/core-lines.js';
import { Farm } from '../../support/farm.js';
import { bySender, describeFarm, perServer } from '../../support/farm-suite.js';
import { Inbox } from '../../support/inbox.js';

interface FarmClient {
  hear(from: string, text: string): void;
  answer(question: string): Promise<string>;
}

const events = new Inbox<string>();

@Hub('farm')
class FarmHub extends SignalRHub<FarmClient> {
  override onConnected(): void {
    this.context.items.set('calls', []);
    events.put(`connected ${this.context.connectionId}`);
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
  async tellOthers(text: string): Promise<void> {
    await this.clients.others.hear('others', text);
  }

  @HubMethod()
  async *count(to: number): AsyncGenerator<number> {
    for (let value = 0; value < to; value++) {
      yield value;
    }
  }

  @HubMethod()
  async sum(@HubStream() values: AsyncIterable<number>): Promise<number> {
    let sum = 0;
    for await (const value of values) {
      sum += value;
    }
    return sum;
  }

  @HubMethod()
  async ask(question: string): Promise<string> {
    return `they said ${await this.clients.caller.invoke('answer', question)}`;
  }

  @HubMethod()
  echo(value: unknown): unknown {
    return value;
  }

  @HubMethod()
  dismiss(): void {
    this.context.abort();
  }
}

class QueryUser extends IUserIdProvider {
  override getUserId({ headers }: { headers: Record<string, unknown> }): string | undefined {
    return headers['x-user'] as string | undefined;
  }
}

describeFarm('three servers without sticky sessions, Core clients,', (platform, backplaneOptions) => {
  let farm: Farm;
  const connections: signalR.HubConnection[] = [];

  beforeEach(async () => {
    events.clear();
    farm = await Farm.start(3, {
      platform,
      hubs: [FarmHub],
      ...backplaneOptions(),
      signalr: {
        hubProtocols: [new MessagePackHubProtocol()],
        core: { allowStatefulReconnects: true },
      },
      providers: [{ provide: IUserIdProvider, useClass: QueryUser }],
    });
  });

  afterEach(async () => {
    await Promise.all(connections.splice(0).map((connection) => connection.stop()));
    await farm.close();
    expect(farm.logged).toEqual([]);
  });

  test.each(['WebSockets', 'LongPolling'] as const)('bytes of MessagePack over %s', async (name) => {
    const connection = new signalR.HubConnectionBuilder()
      .withUrl(`${farm.url}/signalr/farm`, { transport: signalR.HttpTransportType[name] })
      .withHubProtocol(new ClientProtocol())
      .configureLogging(signalR.LogLevel.None)
      .build();
    connections.push(connection);
    await connection.start();
    const bytes = Uint8Array.from({ length: 300 }, (_, index) => index % 256);
    expect(await connection.invoke('echo', bytes)).toEqual(bytes);
    expect(await connection.invoke('echo', 'text')).toBe('text');
  });

  test.each([
    ['JSON', undefined],
    ['MessagePack', new ClientProtocol()],
  ])('stateful reconnect over any server, with %s', async (_, protocol) => {
    const builder = new signalR.HubConnectionBuilder()
      .withUrl(`${farm.url}/signalr/farm`, { transport: signalR.HttpTransportType.WebSockets })
      .withStatefulReconnect()
      .configureLogging(signalR.LogLevel.None);
    const connection = (protocol === undefined ? builder : builder.withHubProtocol(protocol)).build();
    connections.push(connection);
    const heard = new Inbox<string>();
    connection.on('hear', (_from: string, text: string) => heard.put(text));
    await connection.start();
    const id = connection.connectionId;
    const expected: string[] = [];
    for (let round = 0; round < 4; round++) {
      const sent = Array.from({ length: 5 }, (__, index) => `${round} ${index}`);
      const calls = sent.map((text) => connection.invoke('echo', text));
      farm.proxy.breakAll();
      for (const text of sent) {
        await farm.hub(FarmHub, round % 3).clients.all.hear('all', text);
      }
      expect(await Promise.all(calls)).toEqual(sent);
      expected.push(...sent);
    }
    for (const text of expected) {
      expect(await heard.next(text)).toBe(text);
    }
    expect(connection.connectionId).toBe(id);
    expect(events.pending).toEqual([`connected ${id}`]);
    const sockets = farm.proxy.served.filter(({ method }) => method === 'GET');
    expect(new Set(sockets.map(({ server }) => server)).size).toBe(3);
  });

  test.each(coreTransports)(
    'a server that leaves: its client comes back to another one, over %s',
    async (name) => {
      const connection = new signalR.HubConnectionBuilder()
        .withUrl(`${farm.url}/signalr/farm`, { transport: signalR.HttpTransportType[name] })
        .withAutomaticReconnect(Array.from({ length: 100 }, () => 20))
        .configureLogging(signalR.LogLevel.None)
        .build();
      connections.push(connection);
      const returned = new Inbox<string | undefined>();
      connection.onreconnected((id) => returned.put(id));
      await connection.start();
      const first = connection.connectionId as string;
      const nodeId = (await farm.hub(FarmHub).connections.list())[0]?.nodeId;
      const owner = farm.nodeIds.indexOf(nodeId as string);
      farm.proxy.takeOut(owner);
      await farm.apps[owner]?.close();
      const second = await returned.next('the return');
      expect(second).not.toBe(first);
      expect(await events.nextWhere('the end', (event) => event.startsWith('disc'))).toBe(
        `disconnected ${first} false`,
      );
      expect(await connection.invoke('note', 1)).toEqual([1]);
    },
  );

  describe.each(coreTransports)('over %s', (name) => {
    interface Client {
      readonly connection: signalR.HubConnection;
      readonly heard: Inbox<string>;
    }

    async function connect(user = ''): Promise<Client> {
      const connection = new signalR.HubConnectionBuilder()
        .withUrl(`${farm.url}/signalr/farm`, {
          transport: signalR.HttpTransportType[name],
          headers: user === '' ? {} : { 'x-user': user },
        })
        .configureLogging(signalR.LogLevel.None)
        .build();
      const heard = new Inbox<string>();
      connection.on('hear', (from: string, text: string) => heard.put(`${from}: ${text}`));
      connection.on('answer', (question: string) => `${question}!`);
      connections.push(connection);
      await connection.start();
      return { connection, heard };
    }

    test('calls reach their connection in order, and are answered', async () => {
      const { connection } = await connect();
      const values = Array.from({ length: 12 }, (_, index) => index);
      const answers = await Promise.all(values.map((value) => connection.invoke<number[]>('note', value)));
      expect(answers.at(-1)).toEqual(values);
      expect(answers.map((answer) => answer.length)).toEqual(values.map((value) => value + 1));
      // One request of a WebSocket follows negotiation; the others need all three servers.
      const servers = new Set(farm.proxy.served.map(({ server }) => server));
      expect(servers.size).toBe(name === 'WebSockets' ? 2 : 3);
    });

    test('[core 183] [core 184] everybody hears what is meant for him, once, from any server', async () => {
      const [ann, bob] = [await connect('ann'), await connect('bob')];
      await ann.connection.invoke('join', 'room');
      // Calls run once the backplane has subscribed for the connection; the handshake is answered before.
      await bob.connection.invoke('join', 'corridor');
      await ann.connection.invoke('tellOthers', 'hello');
      // Of different senders, the one on his own server may be faster.
      expect(await bob.heard.next('the greeting')).toBe('others: hello');
      for (const server of [0, 1, 2]) {
        const { clients } = farm.hub(FarmHub, server);
        await clients.all.hear('all', `${server}`);
        await clients.group('room').hear('group', `${server}`);
        await clients.user('bob').hear('user', `${server}`);
        await clients.client(ann.connection.connectionId as string).hear('client', `${server}`);
      }
      const texts = async ({ heard }: Client, count: number): Promise<string[]> => {
        const all: string[] = [];
        while (all.length < count) {
          all.push(await heard.next(`the next call after ${all.join()}`));
        }
        return all;
      };
      const heardOf = (kinds: string[]): Record<string, string[]> =>
        perServer(kinds, (kind, server) => `${kind}: ${server}`);
      expect(bySender(await texts(ann, 9))).toEqual(heardOf(['all', 'group', 'client']));
      expect(bySender(await texts(bob, 6))).toEqual(heardOf(['all', 'user']));
      await farm.hub(FarmHub).clients.all.hear('all', 'end');
      expect([await texts(ann, 1), await texts(bob, 1)]).toEqual([['all: end'], ['all: end']]);
    });

    test('[core 186] streams in both directions, and questions', async () => {
      const { connection } = await connect();
      const items: number[] = [];
      await new Promise<void>((resolve, reject) => {
        connection.stream<number>('count', 30).subscribe({
          next: (value) => void items.push(value),
          error: reject,
          complete: resolve,
        });
      });
      expect(items).toEqual(Array.from({ length: 30 }, (_, index) => index));
      const subject = new signalR.Subject<number>();
      const sum = connection.invoke<number>('sum', subject);
      [1, 2, 3, 4].forEach((value) => subject.next(value));
      subject.complete();
      expect(await sum).toBe(10);
      expect(await connection.invoke('ask', 'why')).toBe('they said why!');
      const id = connection.connectionId as string;
      expect(await farm.hub(FarmHub, 2).clients.client(id).invoke('answer', 'how')).toBe('how!');
    });

    test('a goodbye reaches the hub once, as one; a dismissal reaches the client', async () => {
      const leaving = await connect();
      const id = leaving.connection.connectionId ?? '';
      await leaving.connection.stop();
      expect(await events.nextWhere('the end', (event) => event.startsWith('disc'))).toBe(
        `disconnected ${id} true`,
      );
      const { connection } = await connect();
      const closed = new Promise<void>((resolve) => connection.onclose(() => resolve()));
      const dismissed = connection.connectionId ?? '';
      await connection.send('dismiss');
      await closed;
      expect(await events.nextWhere('the end', (event) => event.startsWith('disc'))).toBe(
        `disconnected ${dismissed} false`,
      );
      await expect.poll(() => farm.hub(FarmHub).connections.count()).toBe(0);
      expect(events.pending.filter((event) => event.startsWith('disc'))).toEqual([]);
    });
  });
});
