import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Hub, HubMethod, type MemoryBroker, SignalRHub } from 'nestjs-signalr';
import { FaultyBackplane } from 'nestjs-signalr/testing';

import { platforms } from '../../support/app.js';
import { type CoreFrame, RawCoreClient, RS } from '../../support/core-client.js';
import { FakeClock } from '../../support/fake-clock.js';
import { Farm } from '../../support/farm.js';
import { http } from '../../support/http.js';
import { HttpStream } from '../../support/http-stream.js';
import { Inbox } from '../../support/inbox.js';
import { LineBreaker } from '../../support/line-breaker.js';
import { StatefulClient } from '../../support/stateful-client.js';
import { TalkativeBackplane } from '../../support/talkative-backplane.js';

const events = new Inbox<string>();

@Hub('farm')
class FarmHub extends SignalRHub<{ hear(...args: unknown[]): void }> {
  override onConnected(): void {
    events.put('connected');
  }

  override onDisconnected(stopCalled: boolean): void {
    events.put(`disconnected ${stopCalled}`);
  }

  @HubMethod()
  echo(value: unknown): unknown {
    return value;
  }

  override onAuthenticationRefreshed(): void {
    events.put(`refreshed ${(this.context.currentUser as Account).id}`);
  }

  @HubMethod()
  length(text: string): number {
    return text.length;
  }

  @HubMethod()
  ping(): void {}
}

/** A user as an ORM might make it. */
class Account {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  get id(): string {
    return this.#name;
  }
}

const echo = (id: string): CoreFrame => ({ type: 1, invocationId: id, target: 'echo', arguments: [id] });
const completion = (id: string): string => `{"type":3,"invocationId":"${id}","result":"${id}"}`;

describe.each(platforms)('the edges of a farm on %s, Core clients', (platform) => {
  let clock: FakeClock;
  let farm: Farm;
  let backplanes: FaultyBackplane[];
  let talkative: TalkativeBackplane[];

  beforeEach(async () => {
    events.clear();
    clock = new FakeClock();
    backplanes = [];
    talkative = [];
    farm = await Farm.start(3, {
      platform,
      hubs: [FarmHub],
      clock,
      signalr: {
        // What identifies this user is not in its JSON.
        authenticate: ({ headers }) =>
          headers['x-user'] === undefined ? undefined : new Account(String(headers['x-user'])),
        core: {
          allowStatefulReconnects: true,
          maximumReceiveMessageSize: 1_000_000,
          statefulReconnectBufferSize: 50_000_000,
          enableAuthenticationRefresh: true,
        },
        outbox: { maxBytes: 50_000_000 },
      },
      backplane: (broker: MemoryBroker) => {
        const inner = new TalkativeBackplane({ broker, clock });
        talkative.push(inner);
        backplanes.push(new FaultyBackplane(inner));
        return backplanes.at(-1) as FaultyBackplane;
      },
    });
  });

  afterEach(async () => {
    await farm.close();
    expect(farm.logged.filter((line) => !line.includes('The backplane is down.'))).toEqual([]);
  });

  const at = (server: number): string => `${farm.apps[server]?.url}/signalr/farm`;

  /** A client that polls, connected to the first server. */
  async function poller(
    headers: Record<string, string> = {},
  ): Promise<{ id: string; url(server: number): string }> {
    const { connectionToken, connectionId } = await RawCoreClient.negotiate(
      at(1),
      'negotiateVersion=1',
      headers,
    );
    const url = (server: number): string => `${at(server)}?id=${connectionToken}`;
    expect((await http('GET', url(0), { headers })).status).toBe(200);
    const shaken = http('GET', url(1), { headers });
    await http('POST', url(2), { headers, body: `{"protocol":"json","version":1}${RS}` });
    expect((await shaken).body).toBe(`{}${RS}`);
    expect(await events.next('the greeting')).toBe('connected');
    return { id: connectionId, url };
  }

  describe('who polls', () => {
    test('gets what was in an answer that never reached it', async () => {
      const { id, url } = await poller();
      const lines = new LineBreaker(farm.apps[1] as (typeof farm.apps)[number]);
      const lost = http('GET', url(1)).catch((error: Error) => error);
      await lines.untilHolds('/farm');
      const [owner, front] = talkative as [TalkativeBackplane, TalkativeBackplane];
      // The owner answers before it can know that the client has gone.
      front.hold();
      lines.breakAll();
      expect(await lost).toBeInstanceOf(Error);
      await expect.poll(() => front.parts.at(-1)).toMatchObject({ part: 'over', clean: false });
      owner.told.length = 0;
      await farm.hub(FarmHub).clients.client(id).hear('kept');
      await expect.poll(() => owner.parts.at(-1)).toMatchObject({ part: 'answer' });
      front.letGo();
      const texts: string[] = [];
      while (texts.join('') === '') {
        texts.push((await http('GET', url(2))).body);
      }
      expect(texts.join('')).toBe(`{"type":1,"target":"hear","arguments":["kept"]}${RS}`);
    });

    test('is answered after the time of a poll, wherever it is held', async () => {
      const { url } = await poller();
      const held = http('GET', url(1));
      await pollsHeld(1);
      let isAnswered = false;
      void held.then(() => (isAnswered = true));
      await clock.advance(89_000);
      expect(isAnswered).toBe(false);
      await clock.advance(2_000);
      expect(await held).toMatchObject({ status: 200, body: '' });
    });

    test('replaces its poll at one server by one at another', async () => {
      const { id, url } = await poller();
      const first = http('GET', url(1));
      await pollsHeld(1);
      const second = http('GET', url(2));
      expect((await first).status).toBe(204);
      await farm.hub(FarmHub, 1).clients.client(id).hear('once');
      expect((await second).body).toContain('once');
    });

    test('polls anew when its server has never heard of the poll', async () => {
      const { id, url } = await poller();
      talkative[1]?.loseNext();
      const held = http('GET', url(1));
      await pollsHeld(1);
      // The next sign of life.
      await clock.advance(6_000);
      expect(await held).toMatchObject({ status: 200, body: '' });
      await farm.hub(FarmHub).clients.client(id).hear('on');
      expect((await http('GET', url(2))).body).toContain('"on"');
    });

    test('is told when its server dies, and has gone for the others too', async () => {
      const { url } = await poller();
      const held = http('GET', url(1));
      await pollsHeld(1);
      (backplanes[0] as FaultyBackplane).line = 'down';
      await clock.advance(14_000);
      await clock.advance(3_000);
      expect(await held).toMatchObject({ status: 404, body: 'No Connection with that ID' });
      (backplanes[0] as FaultyBackplane).line = 'up';
    });

    test('polls on elsewhere when the server leaves that holds its poll', async () => {
      const { id, url } = await poller();
      const held = http('GET', url(1));
      await pollsHeld(1);
      await farm.apps[1]?.close();
      expect(await held).toMatchObject({ status: 200, body: '' });
      await farm.hub(FarmHub).clients.client(id).hear('on');
      expect((await http('GET', url(2))).body).toContain('"on"');
      expect(events.pending).toEqual([]);
    });

    test('says goodbye over any server, and then is unknown to all', async () => {
      const { url } = await poller();
      const held = http('GET', url(1));
      await pollsHeld(1);
      expect((await http('DELETE', url(2))).status).toBe(202);
      await held;
      expect(await events.next('the end')).toBe('disconnected true');
      for (const server of [0, 1, 2]) {
        expect((await http('GET', url(server))).status).toBe(404);
        expect((await http('POST', url(server), { body: 'x' })).status).toBe(404);
        expect((await http('DELETE', url(server))).status).toBe(404);
      }
      expect(events.pending).toEqual([]);
    });

    /** Resolves when a poll is held for a client of another server. */
    async function pollsHeld(server: number): Promise<void> {
      await expect
        .poll(
          () =>
            talkative[server]?.told.filter((note) => note.type === 'relay' && note.say.part === 'open')
              .length,
        )
        .toBeGreaterThan(1);
    }
  });

  test('a body of any length is taken in order, and not kept anywhere', async () => {
    const { url } = await poller();
    const text = 'x'.repeat(900_000);
    const answer = http('GET', url(1));
    const sent = await http('POST', url(2), {
      body: `${JSON.stringify({ type: 1, invocationId: '1', target: 'length', arguments: [text] })}${RS}`,
    });
    expect(sent.status).toBe(200);
    expect((await answer).body).toBe(`{"type":3,"invocationId":"1","result":900000}${RS}`);
  });

  test('a message that is too long ends the connection as it does locally', async () => {
    const { url } = await poller();
    const answer = http('GET', url(1));
    const text = 'x'.repeat(1_100_000);
    await http('POST', url(2), {
      body: `${JSON.stringify({ type: 1, target: 'length', arguments: [text] })}${RS}`,
    });
    expect((await answer).body).toContain('"type":7');
    expect(await events.next('the end')).toBe('disconnected false');
  });

  test('somebody else gets 403 from every server, and forged tokens reach none but the first', async () => {
    const { url } = await poller({ 'x-user': 'ann' });
    for (const server of [0, 1, 2]) {
      const own = await http('POST', url(server), { headers: { 'x-user': 'ann' }, body: `{"type":6}${RS}` });
      expect(own.status).toBe(200);
      for (const method of ['GET', 'POST', 'DELETE']) {
        const answer = await http(method, url(server), { headers: { 'x-user': 'bob' } });
        expect([method, answer.status]).toEqual([method, 403]);
      }
    }
    talkative.forEach(({ told }) => told.splice(0));
    for (const token of ['nonsense', 'A'.repeat(22), '']) {
      expect((await http('GET', `${at(1)}?id=${token}`)).status).toBe(token === '' ? 400 : 404);
      expect((await http('POST', `${at(1)}?id=${token}`, { body: 'x' })).status).toBe(
        token === '' ? 400 : 404,
      );
    }
    expect(talkative.flatMap(({ told }) => told)).toEqual([]);
  });

  test('a new token reaches the connection over any server', async () => {
    const { url } = await poller({ 'x-user': 'ann' });
    const headers = { 'x-user': 'ann' };
    const refresh = (server: number): string => url(server).replace('farm?', 'farm/refresh?');
    for (const server of [0, 1, 2]) {
      expect(await http('POST', refresh(server), { headers })).toMatchObject({ status: 200, body: '{}' });
    }
    expect((await http('POST', refresh(1), { headers: { 'x-user': 'bob' } })).status).toBe(403);
    expect((await http('POST', refresh(1))).status).toBe(401);
    expect(events.pending).toHaveLength(3);
  });

  test('two servers that get the first request at once make one connection', async () => {
    for (let round = 0; round < 10; round++) {
      const { connectionToken } = await RawCoreClient.negotiate(at(0));
      const streams = await Promise.all(
        [0, 1, 2].map((server) =>
          HttpStream.open('GET', `${at(server)}?id=${connectionToken}`, {
            headers: { Accept: 'text/event-stream' },
          }),
        ),
      );
      expect(streams.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([
        200, 409, 409,
      ]);
      streams.forEach((stream) => stream.destroy());
    }
  });

  describe('stateful reconnect at another server', () => {
    /** How much data a server has told others. */
    const sent = (server: number): number =>
      (talkative[server]?.parts ?? []).reduce(
        (sum, say) => (say.part === 'data' ? sum + JSON.stringify(say.data).length : sum),
        0,
      );

    /** How much data of others a server has said that it has taken. */
    const taken = (server: number): number =>
      (talkative[server]?.parts ?? []).reduce((sum, say) => (say.part === 'taken' ? sum + say.size : sum), 0);

    /** Resolves when a number does not change any more. */
    async function quiet(measure: () => number): Promise<void> {
      for (let before = -1; before !== measure();) {
        before = measure();
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }

    test('goes on in both directions, again and again', async () => {
      const client = await StatefulClient.connect(at(0));
      client.send(echo('0'));
      expect(await client.record()).toBe(completion('0'));
      client.send({ type: 8, sequenceId: 1 });
      const tokens = new URL(client.url).search;
      for (let round = 1; round <= 6; round++) {
        client.socket.destroy();
        await client.socket.closed;
        await farm
          .hub(FarmHub, round % 3)
          .clients.client(client.connectionId)
          .hear(`missed ${round}`);
        await client.reopenAt(`${at(round % 3).replace('http', 'ws')}${tokens}`);
        expect((await client.next()).type).toBe(9);
        expect(await client.record()).toBe(`{"type":1,"target":"hear","arguments":["missed ${round}"]}`);
        client.send({ type: 9, sequenceId: round + 1 }, echo(`${round}`));
        expect(await client.record()).toBe(completion(`${round}`));
        client.send({ type: 8, sequenceId: 1 + 2 * round });
      }
      expect(events.pending).toEqual(['connected']);
      client.socket.close();
      expect(await events.nextWhere('the end', (event) => event !== 'connected')).toBe('disconnected true');
    });

    test('a slow client holds messages back at the server that has it', async () => {
      const client = await StatefulClient.connect(at(0));
      const tokens = new URL(client.url).search;
      client.socket.destroy();
      await client.reopenAt(`${at(1).replace('http', 'ws')}${tokens}`);
      client.send({ type: 9, sequenceId: 1 });
      expect((await client.next()).type).toBe(9);
      client.socket.socket.pause();
      const text = 'x'.repeat(60_000);
      const count = 300;
      for (let index = 0; index < count; index++) {
        await farm.hub(FarmHub).clients.client(client.connectionId).hear(index, text);
      }
      await quiet(() => sent(0) - taken(1));
      // The lines take some of it; what they do not take stays with the owner.
      expect(sent(0) - taken(1)).toBeLessThan(300_000);
      expect(sent(0)).toBeLessThan((count * text.length) / 2);
      client.socket.socket.resume();
      for (let index = 0; index < count; index++) {
        expect((await client.next()).arguments).toEqual([index, text]);
      }
      client.socket.close();
      expect(await events.nextWhere('the end', (event) => event !== 'connected')).toBe('disconnected true');
    });

    test('a server that leaves lets its clients come back over another one', async () => {
      const client = await StatefulClient.connect(at(0));
      const tokens = new URL(client.url).search;
      client.socket.destroy();
      await client.reopenAt(`${at(1).replace('http', 'ws')}${tokens}`);
      expect((await client.next()).type).toBe(9);
      await farm.apps[1]?.close();
      await client.socket.closed;
      await client.reopenAt(`${at(2).replace('http', 'ws')}${tokens}`);
      client.send({ type: 9, sequenceId: 1 }, echo('x'));
      expect((await client.next()).type).toBe(9);
      expect(await client.record()).toBe(completion('x'));
      expect(events.pending).toEqual(['connected']);
      client.socket.close();
      await events.nextWhere('the end', (event) => event !== 'connected');
    });

    test('nobody is found after its server has died', async () => {
      const client = await StatefulClient.connect(at(0));
      const tokens = new URL(client.url).search;
      client.socket.destroy();
      await farm.apps[0]?.close();
      await clock.advance(20_000);
      await expect(client.reopenAt(`${at(1).replace('http', 'ws')}${tokens}`)).rejects.toThrow('404');
    });
  });

  test('an event stream at another server than the first POST', async () => {
    const { connectionToken, connectionId } = await RawCoreClient.negotiate(at(0));
    const url = (server: number): string => `${at(server)}?id=${connectionToken}`;
    expect((await http('POST', url(0), { body: `{"protocol":"json","version":1}${RS}` })).status).toBe(200);
    const stream = await HttpStream.open('GET', url(1), { headers: { Accept: 'text/event-stream' } });
    await stream.contains(`data: {}${RS}`);
    await http('POST', url(2), { body: `${JSON.stringify(echo('1'))}${RS}` });
    await stream.contains(`data: ${completion('1')}${RS}`);
    await farm.hub(FarmHub, 2).clients.client(connectionId).hear('x');
    await stream.contains('"arguments":["x"]');
    stream.destroy();
    await stream.ended;
    await expect.poll(() => farm.hub(FarmHub).connections.count()).toBe(1);
    await expect
      .poll(async () => {
        await clock.advance(1_000);
        return events.pending;
      })
      .toEqual(['connected', 'disconnected false']);
  });
});
