import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Acknowledgement,
  type BackplaneNode,
  type ConnectionEntry,
  Hub,
  HubMethod,
  MemoryBackplane,
  type MemoryBroker,
  type NodeCommand,
  type NodeNote,
  SignalRError,
  SignalRHub,
  SignalRService,
} from 'nestjs-signalr';

import { MESSAGES_LOST } from '../../../lib/connections/connection.js';
import { platforms } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import {
  type ClassicTransportName,
  classicTransports,
  TransportClient,
} from '../../support/classic-transports.js';
import { FakeClock } from '../../support/fake-clock.js';
import { Farm } from '../../support/farm.js';
import { http, type RawAnswer } from '../../support/http.js';
import { type Deferred, deferred, Inbox } from '../../support/inbox.js';
import { LineBreaker } from '../../support/line-breaker.js';
import { until } from '../../support/until.js';

const events = new Inbox<string>();
let gate: Deferred;

@Hub('farm')
class FarmHub extends SignalRHub<{ hear(text: string): void }> {
  override onConnected(): void {
    events.put(`connected ${this.context.connectionId}`);
  }

  override onReconnected(): void {
    events.put(`reconnected ${this.context.connectionId}`);
  }

  override onDisconnected(stopCalled: boolean): void {
    events.put(`disconnected ${this.context.connectionId} ${stopCalled}`);
  }

  @HubMethod()
  length(text: string): number {
    return text.length;
  }

  /** The same, and then sends the client away. */
  @HubMethod()
  async lingerAndAbort(): Promise<void> {
    events.put('lingering');
    await gate.promise;
    this.context.abort();
  }

  /** Goes on for as long as a test wants, and then calls the client back. */
  @HubMethod()
  async linger(): Promise<string> {
    const { connectionAborted } = this.context;
    events.put('lingering');
    await gate.promise;
    await this.groups.add(this.context.connectionId, 'late');
    await this.clients.caller.hear(`aborted: ${connectionAborted.aborted}`);
    return 'done';
  }
}

class CountingBackplane extends MemoryBackplane {
  readonly told: NodeNote[] = [];
  /** Commands that it was given, and those that have been carried out. */
  readonly asked: string[] = [];
  readonly done: string[] = [];
  owner!: BackplaneNode;

  override start(node: BackplaneNode): void {
    this.owner = node;
    super.start(node);
  }

  override async command(command: NodeCommand, timeout: number): Promise<Acknowledgement> {
    this.asked.push(command.type);
    const acknowledgement = await super.command(command, timeout);
    this.done.push(command.type);
    return acknowledgement;
  }

  /** The line breaks before the next answer, and notes of that are all that arrives. */
  losesAnswer = false;

  override tell(nodeId: string, note: NodeNote): boolean {
    this.told.push(note);
    if (this.losesAnswer && note.type === 'relay' && note.say.part === 'answer') {
      this.losesAnswer = false;
      super.tell(nodeId, { type: 'missed' });
      throw SignalRError.of('SIGNALR_BACKPLANE_DOWN', 'broken');
    }
    return super.tell(nodeId, note);
  }
}

describe.each(platforms)('the edges of a farm on %s, classic clients', (platform) => {
  let clock: FakeClock;
  let farm: Farm;
  let backplanes: CountingBackplane[];
  const clients: TransportClient[] = [];

  beforeEach(async () => {
    events.clear();
    gate = deferred();
    clock = new FakeClock();
    backplanes = [];
    farm = await Farm.start(3, {
      platform,
      hubs: [FarmHub],
      clock,
      signalr: {
        authenticate: ({ headers }) => headers['x-user'],
        classic: { maxRequestBodySize: 300_000 },
      },
      backplane: (broker: MemoryBroker) => {
        backplanes.push(new CountingBackplane({ broker, clock }));
        return backplanes.at(-1) as CountingBackplane;
      },
    });
  });

  afterEach(async () => {
    // Some of their servers are no more.
    const gone = clients.splice(0);
    await Promise.allSettled(gone.map((client) => client.end()));
    await Promise.allSettled(gone.map((client) => client.drop()));
    await farm.close();
    expect(farm.logged).toEqual([]);
  });

  const at = (server: number): string => `${farm.apps[server]?.url}/signalr`;

  /** A client of the first server, started. */
  async function connect(transport: ClassicTransportName): Promise<TransportClient> {
    const raw = await RawClassicClient.negotiate(at(0), { hubs: ['farm'] });
    const client = new TransportClient(raw, transport);
    clients.push(client);
    await client.connect();
    await http('GET', `${at(0)}/start?${raw.query()}`);
    expect(await events.next('the greeting')).toBe(`connected ${client.connectionId}`);
    return client;
  }

  /** The same client, whose requests go to another server from now on. */
  function elsewhere(client: TransportClient, server: number): TransportClient {
    const moved = new TransportClient(client.client.elsewhere({ url: at(server) }), client.transport);
    moved.cursor = client.cursor;
    moved.groupsToken = client.groupsToken;
    clients.push(moved);
    return moved;
  }

  /** A client of the first server that is away, and a member of a group there: its token may know. */
  async function awayMember(transport: ClassicTransportName, knowsGroup: boolean): Promise<TransportClient> {
    const client = await connect(transport);
    if (!knowsGroup) {
      await client.drop();
    }
    await farm.hub(FarmHub, 0).groups.add(client.connectionId, 'g');
    if (knowsGroup) {
      await until('the token', () => client.groupsToken !== undefined);
      await client.drop();
    }
    return client;
  }

  /** What a server subscribes to waits for the gate. @returns what that is */
  function holdSubscriptions(server: number): Inbox<string> {
    const backplane = backplanes[server] as CountingBackplane;
    const subscribe = backplane.subscribe.bind(backplane);
    const topics = new Inbox<string>();
    const hold = (topic: string): Promise<void> => {
      subscribe(topic);
      topics.put(topic);
      return gate.promise;
    };
    Object.assign(backplane, { subscribe: hold });
    return topics;
  }

  const owners = (): (string | undefined)[] =>
    farm.broker.directory.list({ hub: 'farm' }).map(({ nodeId }) => nodeId);

  describe.each(classicTransports)('over %s', (transport) => {
    test('a session moves while its line is still open, and the old line ends', async () => {
      const client = await connect(transport);
      const ended = client.lineEnded();
      const moved = elsewhere(client, 1);
      await moved.reconnect();
      expect(await events.next('the return')).toBe(`reconnected ${client.connectionId}`);
      // A polling client comes again, and is served by the new server; this one shall not.
      await client.drop();
      await ended;
      await farm.hub(FarmHub, 2).clients.client(client.connectionId).hear('x');
      expect(await moved.nextTexts(1)).toEqual(['x']);
      expect(events.pending).toEqual([]);
    });

    test('a call that runs meanwhile goes on, is not aborted, and reaches its client', async () => {
      const client = await connect(transport);
      // Over a WebSocket nobody can answer it any more.
      void client.invoke('farm', 'linger').catch(() => undefined);
      expect(await events.next('the call')).toBe('lingering');
      await client.drop();
      const moved = elsewhere(client, 1);
      await moved.reconnect();
      expect(await events.next('the return')).toBe(`reconnected ${client.connectionId}`);
      gate.resolve();
      expect(await moved.nextTexts(1)).toEqual(['aborted: false']);
      await farm.hub(FarmHub, 2).clients.group('late').hear('late');
      expect(await moved.nextTexts(1)).toEqual(['late']);
      await moved.end();
      expect(await events.next('the end')).toBe(`disconnected ${client.connectionId} true`);
      await client.end();
    });

    test('a session that is sent away while it moves is not begun anew by the request that it moves for', async () => {
      const client = await connect(transport);
      await client.drop();
      const { connectionId } = client;
      const subscribed = holdSubscriptions(1);
      const answer = http('GET', url(client, 1, 'reconnect'));
      await subscribed.next('the session');
      const sentAway = backplanes[2]?.command(
        { type: 'disconnect', connectionId, reason: 'Go.', allowReconnect: false },
        1_000,
      );
      expect(await sentAway).toBe(true);
      gate.resolve();
      const { status, body } = await answer;
      // A client that polls reads it in an answer.
      const isPolling = transport === 'longPolling';
      const told = isPolling ? (JSON.parse(body) as { E: string }).E : status;
      expect(told).toBe(isPolling ? 'Go.' : 403);
      expect(await events.next('the end')).toBe(`disconnected ${connectionId} false`);
      expect(events.pending).toEqual([]);
    });

    test('a call that runs meanwhile sends its client away', async () => {
      const client = await connect(transport);
      void client.invoke('farm', 'lingerAndAbort').catch(() => undefined);
      expect(await events.next('the call')).toBe('lingering');
      await client.drop();
      const moved = elsewhere(client, 1);
      await moved.reconnect();
      expect(await events.next('the return')).toBe(`reconnected ${client.connectionId}`);
      gate.resolve();
      expect(await events.next('the end')).toBe(`disconnected ${client.connectionId} false`);
      await moved.lineEnded();
    });

    test('several servers at once: one has the session in the end', async () => {
      const client = await connect(transport);
      await client.drop();
      for (let round = 0; round < 5; round++) {
        const moved = [0, 1, 2].map((server) => elsewhere(client, server));
        await Promise.all(moved.map((one) => one.reconnect()));
        await expect.poll(owners).toHaveLength(1);
        const returns = [0, 1, 2].map(() => events.next('a return'));
        expect(new Set(await Promise.all(returns))).toEqual(new Set([`reconnected ${client.connectionId}`]));
        await Promise.all(moved.map((one) => one.drop()));
      }
      await expect.poll(() => farm.hub(FarmHub).connections.count()).toBe(1);
      const last = elsewhere(client, 2);
      await last.reconnect();
      expect(await events.next('the return')).toBe(`reconnected ${client.connectionId}`);
      await farm.hub(FarmHub, 0).clients.client(client.connectionId).hear('to the last');
      expect(await last.nextTexts(1)).toEqual(['to the last']);
      await last.end();
      expect(await events.next('the end')).toBe(`disconnected ${client.connectionId} true`);
      await expect.poll(() => farm.broker.directory.find(client.connectionId)).toBeUndefined();
      expect(events.pending).toEqual([]);
    });

    test('a server that leaves sends its clients away, and they come back to another one', async () => {
      const lines = new LineBreaker(farm.apps[0] as (typeof farm.apps)[number]);
      const client = await connect(transport);
      await farm.hub(FarmHub, 1).groups.add(client.connectionId, 'room');
      await farm.hub(FarmHub, 1).clients.group('room').hear('in the room');
      expect(await client.nextTexts(1)).toEqual(['in the room']);
      const ended = client.lineEnded();
      // A client that is between two polls would meet a closed door.
      await (transport === 'longPolling' ? lines.untilHolds('/poll') : undefined);
      await farm.apps[0]?.close();
      await ended;
      expect(await events.next('the end')).toBe(`disconnected ${client.connectionId} false`);
      await farm.hub(FarmHub, 1).clients.group('room').hear('missed');
      const moved = elsewhere(client, 2);
      await moved.reconnect();
      expect(await events.next('the return')).toBe(`reconnected ${client.connectionId}`);
      expect(await moved.nextTexts(1)).toEqual(['missed']);
    });

    test('who does not come back is missed by the server that has the session, once', async () => {
      const client = await connect(transport);
      await client.drop();
      const moved = elsewhere(client, 1);
      await moved.reconnect();
      expect(await events.next('the return')).toBe(`reconnected ${client.connectionId}`);
      await moved.drop();
      await clock.advance(29_000);
      expect(events.pending).toEqual([]);
      await clock.advance(7_000);
      expect(events.pending).toEqual([`disconnected ${client.connectionId} false`]);
      await clock.advance(60_000);
      expect(events.pending).toHaveLength(1);
      expect(farm.broker.directory.find(client.connectionId)).toBeUndefined();
    });

    test('a transport that is given up for another one at another server: greeted once', async () => {
      const raw = await RawClassicClient.negotiate(at(0), { hubs: ['farm'], clientProtocol: '1.3' });
      const client = new TransportClient(raw, transport);
      clients.push(client);
      await client.connect();
      await client.drop();
      const moved = elsewhere(client, 1);
      await moved.connect();
      expect(await events.next('the greeting')).toBe(`connected ${client.connectionId}`);
      await farm.hub(FarmHub, 2).clients.client(client.connectionId).hear('x');
      expect(await moved.nextTexts(1)).toEqual(['x']);
      expect(events.pending).toEqual([]);
    });
  });

  const url = (client: TransportClient, server: number, operation: string): string =>
    `${at(server)}/${operation}?${client.client.query()}`.replace('webSockets', client.transport);
  const data = (text: string): string =>
    `data=${encodeURIComponent(JSON.stringify({ H: 'farm', M: 'length', A: [text], I: 0 }))}`;

  test('a poll at a server that does not have the session ends with it', async () => {
    const client = await connect('longPolling');
    await client.drop();
    const lines = new LineBreaker(farm.apps[1] as (typeof farm.apps)[number]);
    const held = http('POST', url(client, 1, 'poll'), { body: `messageId=${client.cursor}` });
    await lines.untilHolds('/poll');
    const moved = elsewhere(client, 2);
    await moved.reconnect();
    const { status, body } = await held;
    expect([status, JSON.parse(body)]).toMatchObject([200, { M: [] }]);
    await farm.hub(FarmHub, 0).clients.client(client.connectionId).hear('x');
    expect(await moved.nextTexts(1)).toEqual(['x']);
  });

  test('a held poll is answered after its time and broken off by nobody before', async () => {
    const client = await connect('longPolling');
    await client.drop();
    const lines = new LineBreaker(farm.apps[1] as (typeof farm.apps)[number]);
    const held = http('POST', url(client, 1, 'poll'), { body: `messageId=${client.cursor}` });
    await lines.untilHolds('/poll');
    await clock.advance(109_000);
    expect(lines.holds('/poll')).toBe(true);
    await clock.advance(2_000);
    expect(JSON.parse((await held).body)).toMatchObject({ M: [] });
  });

  test('a poll whose client leaves is noticed, and the session goes on from its cursor', async () => {
    const client = await connect('longPolling');
    await client.drop();
    const lines = new LineBreaker(farm.apps[1] as (typeof farm.apps)[number]);
    const lost = http('POST', url(client, 1, 'poll'), { body: `messageId=${client.cursor}` }).catch(
      () => 'lost',
    );
    await lines.untilHolds('/poll');
    lines.breakAll();
    expect(await lost).toBe('lost');
    await farm.hub(FarmHub, 2).clients.client(client.connectionId).hear('x');
    const answer = await http('POST', url(client, 2, 'poll'), { body: `messageId=${client.cursor}` });
    expect(JSON.parse(answer.body)).toMatchObject({ M: [{ A: ['x'] }] });
  });

  test('a poll that comes after its server has died is served where it is', async () => {
    const client = await connect('longPolling');
    await farm.hub(FarmHub, 2).clients.client(client.connectionId).hear('seen');
    expect(await client.nextTexts(1)).toEqual(['seen']);
    await client.drop();
    const node = farm.broker.directory.find(client.connectionId)?.nodeId;
    await farm.apps[0]?.close();
    expect(await events.next('the end')).toBe(`disconnected ${client.connectionId} false`);
    // The directory still names the server that is no more.
    farm.broker.directory.add({
      connectionId: client.connectionId,
      nodeId: node as string,
      protocol: 'classic',
      hubs: ['farm'],
      userId: undefined,
    });
    await farm.hub(FarmHub, 2).clients.client(client.connectionId).hear('x');
    const answer = await http('POST', url(client, 1, 'poll'), { body: `messageId=${client.cursor}` });
    expect(JSON.parse(answer.body)).toMatchObject({ M: [{ A: ['x'] }] });
    expect(owners()).not.toEqual([node]);
    expect((await http('POST', url(client, 2, 'send'), { body: data('abc') })).body).toBe('{"R":3,"I":"0"}');
  });

  describe('a client that comes to a server while nobody knows who has its session', () => {
    /**
     * It is in a group at the first server, and polls at the second one, which holds the poll.
     *
     * @param isHeldBack true if what the second one subscribes to waits for the gate.
     */
    async function pollElsewhere(
      knowsGroup: boolean,
      isHeldBack = false,
    ): Promise<{
      connectionId: string;
      held: Promise<RawAnswer>;
      isHeld: () => boolean;
      found: () => void;
    }> {
      const client = await awayMember('longPolling', knowsGroup);
      farm.broker.directory.remove(client.connectionId);
      const lines = new LineBreaker(farm.apps[1] as (typeof farm.apps)[number]);
      const [first, second] = backplanes as [CountingBackplane, CountingBackplane];
      if (isHeldBack) {
        holdSubscriptions(1);
      }
      const token = knowsGroup ? `&groupsToken=${encodeURIComponent(client.groupsToken ?? '')}` : '';
      const held = http('POST', url(client, 1, 'poll'), { body: `messageId=${client.cursor}${token}` });
      await lines.untilHolds('/poll');
      const isHeld = (): boolean => lines.holds('/poll');
      const { connectionId } = client;
      return { connectionId, held, isHeld, found: () => first.owner.taken?.(connectionId, second.owner.id) };
    }

    test('begins anew if it was in groups of which that server has not heard', async () => {
      const { held, found } = await pollElsewhere(false);
      found();
      expect(JSON.parse((await held).body)).toMatchObject({ E: MESSAGES_LOST });
    });

    test('goes on if its token has told of them', async () => {
      const { held, isHeld, found } = await pollElsewhere(true);
      found();
      await until('the groups are told', () => backplanes[0]?.done.includes('leftBehind') === true);
      expect(isHeld()).toBe(true);
      await farm.hub(FarmHub, 2).clients.group('g').hear('x');
      expect(JSON.parse((await held).body)).toMatchObject({ M: [{ A: ['x'] }] });
    });

    test('goes on as well if that is told while it is still being subscribed to them', async () => {
      const { held, isHeld, found } = await pollElsewhere(true, true);
      found();
      await until('the groups are told', () => backplanes[0]?.asked.includes('leftBehind') === true);
      gate.resolve();
      await until('the answer', () => backplanes[0]?.done.includes('leftBehind') === true);
      expect(isHeld()).toBe(true);
      await farm.hub(FarmHub, 2).clients.group('g').hear('x');
      expect(JSON.parse((await held).body)).toMatchObject({ M: [{ A: ['x'] }] });
    });

    test('may have gone on to a third one before the first one hears of the second', async () => {
      const { connectionId, held, found } = await pollElsewhere(true);
      const [, , third] = backplanes as [CountingBackplane, CountingBackplane, CountingBackplane];
      const { directory } = farm.broker;
      found();
      directory.add({ ...(directory.find(connectionId) as ConnectionEntry), nodeId: third.owner.id });
      await until('the groups are told', () => backplanes[0]?.done.includes('leftBehind') === true);
      expect(directory.find(connectionId)?.nodeId).toBe(third.owner.id);
      await farm.hub(FarmHub, 1).clients.client(connectionId).hear('x');
      await held;
    });
  });

  describe.each(classicTransports)(
    'a session whose groups get lost on the way to another server, over %s',
    (transport) => {
      /** It comes back to another server, which asks for it and does not hear the answer. */
      async function moveWithoutAnswer(knowsGroup: boolean): Promise<TransportClient> {
        const client = await awayMember(transport, knowsGroup);
        (backplanes[0] as CountingBackplane).losesAnswer = true;
        const moved = elsewhere(client, 1);
        await moved.reconnect();
        expect(await events.next('the return')).toBe(`reconnected ${client.connectionId}`);
        expect(backplanes[0]?.losesAnswer).toBe(false);
        return moved;
      }

      test('begins anew if its token has not told of them', async () => {
        const moved = await moveWithoutAnswer(false);
        const ended = moved.lineEnded();
        // It was told before its new server had it.
        await clock.advance(12_000);
        expect(await events.next('the end')).toBe(`disconnected ${moved.connectionId} false`);
        await ended;
      });

      test('goes on if its token has', async () => {
        const moved = await moveWithoutAnswer(true);
        await clock.advance(12_000);
        await until('the groups are told', () => backplanes[0]?.done.includes('leftBehind') === true);
        await farm.hub(FarmHub, 2).clients.group('g').hear('x');
        expect(await moved.nextTexts(1)).toEqual(['x']);
        expect(events.pending).toEqual([]);
      });
    },
  );

  test('bodies have the same limit, users are compared, forged tokens go nowhere', async () => {
    const client = await connect('serverSentEvents');
    const send = (server: number, body: string, headers = {}): Promise<{ status: number }> =>
      http('POST', url(client, server, 'send'), { body, headers });
    for (const server of [0, 1]) {
      expect(await send(server, data('x'.repeat(290_000)))).toMatchObject({
        status: 200,
        body: '{"R":290000,"I":"0"}',
      });
      expect((await send(server, data('x'.repeat(300_000)))).status).toBe(413);
    }
    backplanes.forEach(({ told }) => told.splice(0));
    expect((await send(1, data('x'), { 'x-user': 'mallory' })).status).toBe(403);
    const forged = url(client, 1, 'send').replace('connectionToken=', 'connectionToken=A');
    expect((await http('POST', forged, { body: data('x') })).status).toBe(400);
    expect(backplanes.flatMap(({ told }) => told.filter(({ type }) => type === 'relay'))).toEqual([]);
  });

  test('a server that is about to leave still passes on what is for others', async () => {
    const client = await connect('serverSentEvents');
    await farm.apps[1]?.app.get(SignalRService).drain({});
    expect((await http('POST', url(client, 1, 'send'), { body: data('abc') })).body).toBe('{"R":3,"I":"0"}');
    expect((await http('GET', url(client, 1, 'reconnect'))).status).toBe(503);
    expect((await http('GET', `${at(1)}/negotiate?clientProtocol=2.1`)).status).toBe(503);
    expect((await http('POST', url(client, 1, 'abort'), { body: '' })).status).toBe(200);
    expect(await events.next('the end')).toBe(`disconnected ${client.connectionId} true`);
  });
});
