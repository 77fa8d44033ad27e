import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  getHubContextToken,
  type IHubContext,
  MemoryBackplane,
  type Replay,
  type ReplayTopic,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { classicTransports, TransportClient } from '../../support/classic-transports.js';
import { FakeClock } from '../../support/fake-clock.js';
import { type Deferred, deferred, Inbox } from '../../support/inbox.js';
import { http } from '../../support/http.js';
import { LineBreaker } from '../../support/line-breaker.js';
import { persistentResponse } from '../../../lib/protocols/classic/codec.js';
import { ChatHub, nextEvent } from '../classic/hubs.js';

/** A backplane whose log takes its time: each replay waits until a test lets it go on. */
class SlowBackplane extends MemoryBackplane {
  readonly replays = new Inbox<Deferred>();

  override replay(topics: readonly ReplayTopic[], after: string): Replay {
    return this.whenLet(super.replay(topics, after)) as unknown as Replay;
  }

  private async whenLet(replay: Replay): Promise<Replay> {
    const gate = deferred();
    this.replays.put(gate);
    await gate.promise;
    return replay;
  }
}

describe.each(platforms)('classic resume on %s', (platform) => {
  const clock = new FakeClock();
  const secret = 'resume tests';
  let app: TestApp;
  let chat: IHubContext<ChatHub>;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [ChatHub], signalr: { clock, secret } });
    chat = app.app.get<IHubContext<ChatHub>>(getHubContextToken(ChatHub), { strict: false });
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged.filter((line) => !line.includes('more messages than are kept'))).toEqual([]);
  });

  describe.each(classicTransports)('over %s', (transport) => {
    async function connect(hubs = ['ChatHub'], url = app.url): Promise<TransportClient> {
      const client = new TransportClient(
        await RawClassicClient.negotiate(`${url}/signalr`, { hubs }),
        transport,
      );
      await client.connect();
      return client;
    }

    const end = (...clients: TransportClient[]): Promise<unknown> =>
      Promise.all(clients.map((client) => client.end()));

    test('[classic 132] what was said while it was away arrives once, in order', async () => {
      const [client, other] = [await connect(), await connect()];
      await other.invoke('ChatHub', 'broadcast', 'before');
      expect(await client.nextTexts(1)).toEqual(['before']);
      await client.drop();
      for (let index = 0; index < 30; index++) {
        await other.invoke('ChatHub', 'broadcast', `${index}`);
      }
      await client.reconnect();
      await other.invoke('ChatHub', 'broadcast', 'after');
      expect(await client.nextTexts(31)).toEqual([
        ...Array.from({ length: 30 }, (_, index) => `${index}`),
        'after',
      ]);
      await end(client, other);
    });

    const orders: [string, number[]][] = [
      ['in order', [0, 1]],
      ['out of order', [1, 0]],
    ];
    // Every poll is a return, and the next one comes when the last has been answered.
    test.each(transport === 'longPolling' ? [] : orders)(
      'a client that returns twice before the first replay is done misses nothing: %s',
      async (_, order) => {
        const backplane = new SlowBackplane({ clock });
        const slow = await startApp({ platform, hubs: [ChatHub], signalr: { clock, secret, backplane } });
        const hub = slow.app.get<IHubContext<ChatHub>>(getHubContextToken(ChatHub), { strict: false });
        const client = await connect(['ChatHub'], slow.url);
        await hub.clients.all.hear('seen');
        expect(await client.nextTexts(1)).toEqual(['seen']);
        await client.drop();
        await hub.clients.all.hear('missed');
        await client.reconnect();
        const gates = [await backplane.replays.next('the first replay')];
        await client.drop();
        await client.reconnect();
        gates.push(await backplane.replays.next('the second replay'));
        gates[order[0] as number]?.resolve();
        await nextEvent('reconnected', client.connectionId);
        await hub.clients.all.hear('between');
        gates[order[1] as number]?.resolve();
        await nextEvent('reconnected', client.connectionId);
        await hub.clients.all.hear('last');
        expect(await client.nextTexts(3)).toEqual(['missed', 'between', 'last']);
        await client.end();
        await slow.close();
      },
    );

    test('[classic 137] [classic 138] groups come back with it, and G comes once', async () => {
      const [client, other] = [await connect(), await connect()];
      await client.invoke('ChatHub', 'join', 'g');
      expect((await client.nextFrame(({ G }) => G !== undefined)).C).toBeDefined();
      await other.invoke('ChatHub', 'toGroup', 'g', 'one');
      expect(await client.nextFrame(({ M = [] }) => M.length > 0)).not.toHaveProperty('G');
      await client.drop();
      await other.invoke('ChatHub', 'toGroup', 'g', 'two');
      await client.reconnect();
      await other.invoke('ChatHub', 'toGroup', 'g', 'three');
      expect(await client.nextTexts(2)).toEqual(['two', 'three']);
      await end(client, other);
    });

    test('what was said in a group before it joined is not replayed', async () => {
      const [client, other] = [await connect(), await connect()];
      await other.invoke('ChatHub', 'toGroup', 'late', 'not for it');
      await other.invoke('ChatHub', 'join', 'late');
      await other.invoke('ChatHub', 'toGroup', 'late', 'nor this');
      await client.drop();
      await client.reconnect();
      await client.invoke('ChatHub', 'join', 'late');
      await other.invoke('ChatHub', 'toGroup', 'late', 'this');
      expect(await client.nextTexts(1)).toEqual(['this']);
      await end(client, other);
    });

    test('[classic 133] without a cursor it hears what is new', async () => {
      const [client, other] = [await connect(), await connect()];
      await client.drop();
      await other.invoke('ChatHub', 'broadcast', 'missed');
      client.cursor = undefined;
      await client.reconnect();
      await nextEvent('reconnected', client.connectionId);
      await other.invoke('ChatHub', 'broadcast', 'new');
      expect(await client.nextTexts(1)).toEqual(['new']);
      await end(client, other);
    });

    test('[classic 134] with the cursor of another process it hears what is new', async () => {
      const client = await connect();
      await client.invoke('ChatHub', 'broadcast', 'there');
      expect(await client.nextTexts(1)).toEqual(['there']);
      await client.drop();
      const fresh = await startApp({ platform, hubs: [ChatHub], signalr: { clock, secret } });
      const other = await connect(['ChatHub'], fresh.url);
      await other.invoke('ChatHub', 'broadcast', 'missed here');
      const raw = client.client.elsewhere({ url: `${fresh.url}/signalr` });
      const returning = new TransportClient(raw, transport);
      returning.cursor = client.cursor;
      await returning.reconnect();
      await nextEvent('reconnected', client.connectionId);
      await other.invoke('ChatHub', 'broadcast', 'new');
      expect(await returning.nextTexts(1)).toEqual(['new']);
      await end(returning, other);
      await fresh.close();
      expect(fresh.logged).toEqual([]);
    });

    test('[classic 135] of too many messages the most recent arrive', async () => {
      const client = await connect();
      await client.drop();
      for (let index = 0; index < 1_200; index++) {
        await chat.clients.all.addMessage(index);
      }
      await client.reconnect();
      expect(await client.nextTexts(1_000)).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 200));
      await end(client);
    });

    test('[classic 145] a new connection starts without groups', async () => {
      const old = await connect();
      await old.invoke('ChatHub', 'join', 'g');
      await old.nextFrame(({ G }) => G !== undefined);
      await end(old);
      const fresh = await connect();
      await fresh.invoke('ChatHub', 'toGroup', 'g', 'members');
      await fresh.invoke('ChatHub', 'broadcast', 'everybody');
      expect(await fresh.nextTexts(1)).toEqual(['everybody']);
      await end(fresh);
    });
  });

  test('[classic 131] members of an envelope come in their order, and only those that say something', async () => {
    const delayed = await startApp({
      platform,
      hubs: [ChatHub],
      signalr: { clock, classic: { longPollDelay: 100 } },
    });
    const lines = new LineBreaker(delayed);
    const raw = await RawClassicClient.negotiate(`${delayed.url}/signalr`, { hubs: ['ChatHub'] });
    const query = raw.query().replace('webSockets', 'longPolling');
    const ask = async (operation: string, extra: string): Promise<Record<string, unknown>> => {
      const { body } = await http('GET', `${delayed.url}/signalr/${operation}?${query}&${extra}`);
      return JSON.parse(body) as Record<string, unknown>;
    };
    const init = await ask('connect', '');
    expect(Object.keys(init)).toEqual(['C', 'S', 'L', 'M']);
    await ask('send', `data=${encodeURIComponent('{"H":"chathub","M":"join","A":["g"],"I":0}')}`);
    const joined = await ask('poll', `messageId=${encodeURIComponent(init['C'] as string)}`);
    expect(Object.keys(joined)).toEqual(['C', 'G', 'L', 'M']);
    const last = ask('poll', `messageId=${encodeURIComponent(joined['C'] as string)}`);
    await vi.waitUntil(() => lines.holds('/poll?'));
    await delayed.close();
    expect(Object.keys(await last)).toEqual(['C', 'T', 'L', 'M']);
    const all = {
      cursor: '1',
      initialized: true,
      reconnect: true,
      groupsToken: 'g',
      pollDelay: 1,
      messages: '',
    };
    expect(persistentResponse(all)).toBe('{"C":"d-1","S":1,"T":1,"G":"g","L":1,"M":[]}');
  });
});
