import { type HubConnection, Subject } from '@microsoft/signalr';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { RawClassicClient } from '../../support/classic-client.js';
import { classicTransports, TransportClient } from '../../support/classic-transports.js';
import { Inbox } from '../../support/inbox.js';
import { NODES, ProcessFarm } from '../../support/processes/process-farm.js';
import { missing } from '../../support/requirements.js';
import { coreKinds } from '../../support/room-kinds.js';
import { coreBuilder } from '../../support/room-members.js';

/** Where the client of a test is at home, and another node. */
const HOME = 0;
const AWAY = 1;

let farm: ProcessFarm;

/** To be stopped after a test. */
const started: { stop(): Promise<unknown> }[] = [];

async function start(connection: HubConnection): Promise<HubConnection> {
  connection.on('answer', (question: string) => `${question}!`);
  await connection.start();
  started.push(connection);
  // Other nodes know of it by the time its first call runs; the handshake is answered before.
  await connection.invoke('enter', []);
  return connection;
}

/** Streams numbers to the hub, which streams each of them back doubled. */
class Doubling {
  private readonly numbers = new Subject<number>();
  private readonly doubled = new Inbox<number | string>();

  constructor(connection: HubConnection) {
    connection.stream<number>('double', this.numbers).subscribe({
      next: (number) => this.doubled.put(number),
      complete: () => this.doubled.put('end'),
      error: ({ message }: Error) => this.doubled.put(message),
    });
  }

  /** Sends numbers, and gives what comes back for them. */
  async send(...numbers: readonly number[]): Promise<readonly (number | string)[]> {
    numbers.forEach((number) => this.numbers.next(number));
    const doubled: (number | string)[] = [];
    for (const number of numbers) {
      doubled.push(await this.doubled.next(`${number} doubled`));
    }
    return doubled;
  }

  /** Ends the stream to the hub, and gives what ends the one that comes back. */
  end(): Promise<number | string> {
    this.numbers.complete();
    return this.doubled.next('the end');
  }
}

describe.skipIf(missing('redis'))('conversations over three processes without sticky sessions', () => {
  beforeAll(async () => {
    farm = await ProcessFarm.start();
  }, 30_000);

  afterEach(async () => {
    await Promise.all(started.splice(0).map((client) => client.stop()));
  });

  afterAll(async () => {
    await farm.close();
    expect(farm.logged).toEqual([]);
  });

  describe.each(coreKinds)('a client of $name', (kind) => {
    const connect = (): Promise<HubConnection> =>
      farm.at(HOME, () => start(coreBuilder(farm.url, '', kind).build()));

    test('streams in both directions at once', async () => {
      const doubling = new Doubling(await connect());
      expect(await doubling.send(1, 2, 3)).toEqual([2, 4, 6]);
      expect(await doubling.send(4)).toEqual([8]);
      expect(await doubling.end()).toBe('end');
    });

    test('takes a stream as fast as it comes', async () => {
      const connection = await connect();
      const numbers: number[] = [];
      await new Promise<void>((resolve, reject) => {
        connection.stream<number>('count', 100).subscribe({
          next: (number) => void numbers.push(number),
          complete: resolve,
          error: reject,
        });
      });
      expect(numbers).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    });

    test('[core 186] is asked by the hub context of each node', async () => {
      const { connectionId } = await connect();
      const answers = NODES.map((node, index) => farm.ask(index, connectionId as string, `node ${node}`));
      expect(await Promise.all(answers)).toEqual(NODES.map((node) => `node ${node}!`));
    });

    test.each(NODES)('[core 186] is asked by a hub on node %s, for another client', async (node) => {
      const { connectionId } = await connect();
      const other = await farm.at(Number(node), () => start(coreBuilder(farm.url, '').build()));
      expect(await other.invoke('enter', [])).toMatchObject({ node });
      expect(await other.invoke('ask', connectionId, 'who')).toBe('who!');
    });

    test('its calls are made where it is at home, in order, whichever node they come to', async () => {
      const connection = await connect();
      const before = farm.proxy.served.length;
      const calls = Array.from({ length: 9 }, (_, number) => connection.invoke('echo', number));
      expect(await Promise.all(calls)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
      expect(await connection.invoke('enter', [])).toEqual({
        id: connection.connectionId,
        node: NODES[HOME],
      });
      const posts = farm.proxy.served.slice(before).filter(({ method }) => method === 'POST');
      // A WebSocket makes no requests.
      const isPosting = kind.transport !== 'WebSockets';
      expect(posts.some(({ server }) => server !== HOME)).toBe(isPosting);
    });
  });

  test.each(coreKinds.filter(({ transport }) => transport === 'WebSockets'))(
    'a client of $name whose socket is replaced at another node goes on with its streams and is asked',
    async (kind) => {
      const connection = await farm.at(HOME, () =>
        start(coreBuilder(farm.url, '', kind).withStatefulReconnect().build()),
      );
      const { connectionId } = connection;
      const doubling = new Doubling(connection);
      expect(await doubling.send(1, 2)).toEqual([2, 4]);
      await farm.at(AWAY, async () => {
        farm.proxy.breakAll();
        expect(await connection.invoke('enter', [])).toEqual({ id: connectionId, node: NODES[HOME] });
      });
      expect(farm.proxy.served.at(-1)).toMatchObject({ server: AWAY, method: 'GET' });
      expect(await doubling.send(3, 4)).toEqual([6, 8]);
      expect(await farm.ask(2, connectionId as string, 'still there')).toBe('still there!');
      expect(await doubling.end()).toBe('end');
      expect(connection.connectionId).toBe(connectionId);
    },
  );

  describe.each(classicTransports)('a classic client over %s', (transport) => {
    async function connect(): Promise<TransportClient> {
      const raw = await RawClassicClient.negotiate(farm.url, { hubs: ['roomHub'] });
      const client = new TransportClient(raw, transport);
      await farm.at(HOME, () => client.start());
      started.push({ stop: () => client.end() });
      return client;
    }

    test('is told of progress before the result', async () => {
      const client = await connect();
      // Calls that are made of requests come to each of the nodes.
      for (const [index] of NODES.entries()) {
        farm.proxy.turnTo(index);
        const working = client.invoke('roomHub', 'work', 3);
        const steps: unknown[] = [];
        while (steps.length < 3) {
          const { M = [] } = await client.nextFrame((frame) => (frame.M ?? []).length > 0);
          steps.push(...M.map(({ P }) => P?.D));
        }
        expect(steps).toEqual([1, 2, 3]);
        expect((await working).R).toBe('done');
      }
    });

    test('gives no results, and the node that asks does not wait for one', async () => {
      const client = await connect();
      for (const [index] of NODES.entries()) {
        expect(await farm.ask(index, client.connectionId, `question ${index}`)).toBeUndefined();
        expect(await client.nextTexts(1)).toEqual([`question ${index}`]);
      }
    });
  });
});
