import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  type Backplane,
  Hub,
  HubMethod,
  MemoryBackplane,
  type Replay,
  type ReplayTopic,
  SignalRHub,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { type ClassicFrame, RawClassicClient } from '../../support/classic-client.js';
import { FakeClock } from '../../support/fake-clock.js';
import { http, type RawAnswer } from '../../support/http.js';
import { HttpStream } from '../../support/http-stream.js';
import { type Deferred, deferred } from '../../support/inbox.js';
import { ChatHub, hubEvents, nextEvent } from '../classic/hubs.js';

@Hub()
class OthersHub extends SignalRHub {
  @HubMethod()
  async toOthers(): Promise<void> {
    await this.clients.others.hear();
  }
}

/** Takes its time to find out what somebody has missed. */
class SlowReplays extends MemoryBackplane {
  gate: Deferred | undefined;

  override replay(topics: readonly ReplayTopic[], after: string): Replay {
    const replay = super.replay(topics, after);
    const { gate } = this;
    return gate === undefined ? replay : (gate.promise.then(() => replay) as unknown as Replay);
  }
}

describe.each(platforms)('classic long polling on %s', (platform) => {
  const clock = new FakeClock();
  const apps: TestApp[] = [];
  let base: string;

  beforeAll(async () => {
    base = await start();
  });

  afterAll(async () => {
    await Promise.all(apps.map((app) => app.close()));
    expect(apps.flatMap(({ logged }) => logged)).toEqual([]);
  });

  async function start(classic = {}, backplane?: Backplane): Promise<string> {
    const app = await startApp({
      platform,
      hubs: [ChatHub, OthersHub],
      signalr: { clock, classic, ...(backplane && { backplane }) },
    });
    apps.push(app);
    return `${app.url}/signalr`;
  }

  /** A polling client, every request by hand. */
  class Poller {
    cursor = '';

    private constructor(readonly client: RawClassicClient) {}

    static async negotiate(url = base): Promise<Poller> {
      return new Poller(await RawClassicClient.negotiate(url, { hubs: ['ChatHub', 'OthersHub'] }));
    }

    static async started(url = base): Promise<Poller> {
      const poller = await Poller.negotiate(url);
      await poller.connect();
      const welcome = poller.poll();
      await http('GET', poller.url('start'));
      poller.take(await welcome);
      await nextEvent('connected', poller.id);
      return poller;
    }

    get id(): string {
      return this.client.connectionId;
    }

    /** The same client, which lists other hubs from now on. */
    listing(hubs: readonly string[]): Poller {
      const poller = new Poller(this.client.elsewhere({ hubs }));
      poller.cursor = this.cursor;
      return poller;
    }

    url(operation: string, extra = ''): string {
      return `${this.client.url}/${operation}?${this.client.query(extra).replace('webSockets', 'longPolling')}`;
    }

    async connect(): Promise<ClassicFrame> {
      return this.take(await http('POST', this.url('connect'), { body: '' }));
    }

    /** A poll whose answer is waited for as a whole. */
    poll(operation = 'poll'): Promise<RawAnswer> {
      return http('POST', this.url(operation), { body: `messageId=${encodeURIComponent(this.cursor)}` });
    }

    /** A poll that is held; its head has arrived. */
    hold(operation = 'poll'): Promise<HttpStream> {
      return HttpStream.open('POST', this.url(operation), {
        body: `messageId=${encodeURIComponent(this.cursor)}`,
      });
    }

    take({ status, body }: Pick<RawAnswer, 'status' | 'body'>): ClassicFrame {
      const frame = JSON.parse(body) as ClassicFrame;
      if (status !== 200 || frame.C?.startsWith('d-') !== true) {
        throw new Error(`${status} ${body} is no answer to a poll`);
      }
      this.cursor = frame.C;
      return frame;
    }

    send(method: string, ...args: unknown[]): Promise<RawAnswer> {
      const hub = method === 'toOthers' ? 'othershub' : 'chathub';
      const data = JSON.stringify({ H: hub, M: method, A: args, I: 0 });
      return http('POST', this.url('send'), { body: `data=${encodeURIComponent(data)}` });
    }

    abort(): Promise<RawAnswer> {
      return http('POST', this.url('abort'), { body: '' });
    }
  }

  const pollers: Poller[] = [];

  afterEach(() => Promise.all(pollers.splice(0).map((poller) => poller.abort())));

  async function connected(url?: string): Promise<Poller> {
    const poller = await Poller.started(url);
    pollers.push(poller);
    return poller;
  }

  const texts = ({ M = [] }: ClassicFrame): unknown[] => M.map(({ A }) => A[0]);

  test('[classic 106] [classic 107] connect is answered at once, by POST and by GET', async () => {
    for (const method of ['POST', 'GET']) {
      const poller = await Poller.negotiate();
      const answer = await http(method, poller.url('connect'), method === 'POST' ? { body: '' } : {});
      expect(answer.headers['content-type']).toBe('application/json; charset=UTF-8');
      expect(poller.take(answer)).toEqual({ C: expect.any(String), S: 1, M: [] });
      await poller.abort();
    }
  });

  test('[classic 108] [classic 111] [classic 113] [classic 123] a poll is held until there is a message', async () => {
    const poller = await connected();
    const before = poller.cursor;
    const held = await poller.hold();
    expect(held.status).toBe(200);
    expect(held.body).toBe('');
    await poller.send('broadcast', 'hi');
    const frame = poller.take({ status: 200, body: await held.ended });
    expect(texts(frame)).toEqual(['hi']);
    expect(poller.cursor).not.toBe(before);
  });

  test('[classic 109] [classic 110] the cursor in the query, which wins, or in a form without content type', async () => {
    const poller = await connected();
    await poller.send('broadcast', 'one');
    const old = poller.cursor;
    expect(texts(poller.take(await poller.poll()))).toEqual(['one']);
    const inQuery = await http('GET', poller.url('poll', `messageId=${encodeURIComponent(old)}`));
    expect(texts(JSON.parse(inQuery.body) as ClassicFrame)).toEqual(['one']);
    const both = await http('POST', poller.url('poll', `messageId=${encodeURIComponent(old)}`), {
      body: `messageId=${encodeURIComponent(poller.cursor)}`,
    });
    expect(texts(JSON.parse(both.body) as ClassicFrame)).toEqual(['one']);
  });

  test('a poll that lists other hubs than the one before hears those', async () => {
    const poller = await connected();
    const without = poller.listing(['OthersHub']);
    const deaf = await without.hold();
    await poller.send('broadcast', 'unheard');
    await poller.send('toOthers');
    expect(texts(without.take({ status: 200, body: await deaf.ended }))).toEqual([]);
    const again = without.listing(['ChatHub', 'OthersHub']);
    const held = await again.hold();
    await poller.send('broadcast', 'heard');
    expect(texts(again.take({ status: 200, body: await held.ended }))).toEqual(['heard']);
  });

  test('a poll that ends before its past is there gives the cursor back with which it came', async () => {
    const backplane = new SlowReplays({ clock });
    const url = await start({}, backplane);
    const [poller, elsewhere] = [await connected(url), await connected(url)];
    const arrived = elsewhere.poll();
    await elsewhere.send('broadcast', 'one');
    const stale = poller.cursor;
    // It has been at another server meanwhile.
    poller.cursor = elsewhere.take(await arrived).C as string;
    expect(poller.cursor).not.toBe(stale);
    backplane.gate = deferred();
    const first = await poller.hold();
    const second = await poller.hold();
    const answer = JSON.parse(await first.ended) as ClassicFrame;
    expect(answer).toMatchObject({ C: poller.cursor, M: [] });
    backplane.gate.resolve();
    await poller.send('broadcast', 'two');
    expect(texts(JSON.parse(await second.ended) as ClassicFrame)).toEqual(['two']);
  });

  test.each(['"', '\\', '\u2028', 'd-"}{'])('a cursor %j does not break the answer', async (cursor) => {
    const backplane = new SlowReplays({ clock });
    const poller = await connected(await start({}, backplane));
    poller.cursor = cursor;
    backplane.gate = deferred();
    const first = await poller.hold();
    void poller.poll();
    expect(JSON.parse(await first.ended)).toMatchObject({ M: [] });
    backplane.gate.resolve();
  });

  test('[classic 112] a blank on every keep-alive', async () => {
    const poller = await connected();
    const held = await poller.hold();
    await clock.advance(10_000);
    await held.contains(' ');
    await clock.advance(10_000);
    await held.contains('  ');
    await poller.send('broadcast', 'x');
    const body = await held.ended;
    expect(body).toMatch(/^ {2}\{/);
    expect(texts(poller.take({ status: 200, body: body.trim() }))).toEqual(['x']);
  });

  test('[classic 114] what was said between two polls comes together, in order', async () => {
    const poller = await connected();
    for (const text of ['1', '2', '3']) {
      await poller.send('broadcast', text);
    }
    expect(texts(poller.take(await poller.poll()))).toEqual(['1', '2', '3']);
  });

  test('[classic 115] [classic 116] a poll has its time; reconnect is raised by /reconnect alone', async () => {
    const poller = await connected();
    const held = await poller.hold();
    await clock.advance(111_000);
    expect(poller.take({ status: 200, body: (await held.ended).trim() })).toMatchObject({ M: [] });
    const reconnect = await poller.hold('reconnect');
    await nextEvent('reconnected', poller.id);
    await poller.send('broadcast', 'x');
    poller.take({ status: 200, body: (await reconnect.ended).trim() });
    expect(hubEvents.pending).not.toContainEqual(
      expect.objectContaining({ event: 'reconnected', connectionId: poller.id }),
    );
  });

  test('[classic 117] a delay between polls is in every envelope', async () => {
    const own = await start({ longPollDelay: 500 });
    expect(JSON.parse((await http('GET', `${own}/negotiate`)).body)).toMatchObject({ LongPollDelay: 0.5 });
    const poller = await Poller.negotiate(own);
    expect(await poller.connect()).toMatchObject({ L: 500, S: 1 });
    await poller.send('broadcast', 'x');
    expect((await poller.poll()).body).toMatch(/^\{"C":"[^"]+","L":500,"M":\[/);
    expect(await (await Poller.negotiate()).connect()).not.toHaveProperty('L');
    await poller.abort();
  });

  test('[classic 118] a second poll ends the first', async () => {
    const poller = await connected();
    const first = await poller.hold();
    const second = await poller.hold();
    expect(poller.take({ status: first.status, body: await first.ended }).M).toEqual([]);
    await poller.send('broadcast', 'x');
    expect(texts(JSON.parse((await second.ended).trim()) as ClassicFrame)).toEqual(['x']);
  });

  test('[classic 119] abort ends a poll', async () => {
    const poller = await Poller.started();
    const held = await poller.hold();
    await poller.abort();
    expect(poller.take({ status: held.status, body: await held.ended }).M).toEqual([]);
    expect(await nextEvent('disconnected', poller.id)).toMatchObject({ detail: true });
  });

  test('[classic 120] who polls no more is gone when time is up', async () => {
    const poller = await Poller.started();
    await clock.advance(28_000);
    expect(hubEvents.pending).not.toContainEqual(
      expect.objectContaining({ event: 'disconnected', connectionId: poller.id }),
    );
    await clock.advance(4_000);
    expect(await nextEvent('disconnected', poller.id)).toMatchObject({ detail: false });
  });

  test('[classic 121] a server that goes away says so', async () => {
    const own = await startApp({ platform, hubs: [ChatHub, OthersHub], signalr: { clock } });
    const poller = await Poller.started(`${own.url}/signalr`);
    const held = await poller.hold();
    await own.close();
    expect((await held.ended).trim()).toMatch(/^\{"C":"[^"]+","T":1,"M":\[\]\}$/);
  });

  test('[classic 122] a message for everybody else ends the poll empty', async () => {
    const poller = await connected();
    const before = poller.cursor;
    const held = await poller.hold();
    await poller.send('toOthers');
    expect(poller.take({ status: 200, body: await held.ended })).toEqual({ C: expect.any(String), M: [] });
    expect(poller.cursor).not.toBe(before);
  });
});
