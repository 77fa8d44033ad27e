import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Hub, HubMethod, type MemoryBroker, type NodeNote, SignalRHub } from 'nestjs-signalr';
import { FaultyBackplane } from 'nestjs-signalr/testing';

import { sizeOf } from '../../../lib/connections/relay/note-data.js';
import { platforms } from '../../support/app.js';
import { RawCoreClient, RS } from '../../support/core-client.js';
import { FakeClock } from '../../support/fake-clock.js';
import { Farm } from '../../support/farm.js';
import { http } from '../../support/http.js';
import { type Deferred, deferred } from '../../support/inbox.js';
import { LineBreaker } from '../../support/line-breaker.js';
import { StatefulClient } from '../../support/stateful-client.js';
import { TalkativeBackplane } from '../../support/talkative-backplane.js';

const WINDOW = 8_192;
const TEXT = 'x'.repeat(1_000);
/** What crosses the window is still sent: the messages of one read of a socket, or one chunk of a body in base64. */
const ONE_READ = Math.ceil((65_536 * 4) / 3);
/** Or one frame, into which the owner puts what has waited for the client. */
const ONE_FRAME = 65_536;
/** More than one read and the buffers of the operating system take from us, by far. */
const COUNT = 4_000;

let gate: Deferred;

@Hub('farm')
class FarmHub extends SignalRHub<{ hear(index: number, text: string): void }> {
  /** Answers in order, once the test lets it. */
  @HubMethod()
  async take(index: number, _text: string): Promise<number> {
    await gate.promise;
    return index;
  }
}

/** Knows how much data its node has sent to others and not heard to be taken. */
class MeteredBackplane extends TalkativeBackplane {
  static onItsWay = new Map<string, number>();
  static peaks = new Map<string, number>();

  override tell(nodeId: string, note: NodeNote): boolean {
    const say = note.type === 'relay' ? note.say : undefined;
    if (say?.part === 'data') {
      MeteredBackplane.count(this.id, sizeOf(say.data));
    } else if (say?.part === 'taken') {
      MeteredBackplane.count(nodeId, -say.size);
    }
    return super.tell(nodeId, note);
  }

  /** The most that was ever on its way. */
  get peak(): number {
    return MeteredBackplane.peaks.get(this.id) ?? 0;
  }

  private static count(sender: string, change: number): void {
    const now = (this.onItsWay.get(sender) ?? 0) + change;
    this.onItsWay.set(sender, now);
    this.peaks.set(sender, Math.max(now, this.peaks.get(sender) ?? 0));
  }
}

describe.each(platforms)('limits of what is relayed between servers, on %s', (platform) => {
  let clock: FakeClock;
  let farm: Farm;
  let faulty: FaultyBackplane[];
  let metered: MeteredBackplane[];

  beforeEach(async () => {
    gate = deferred();
    clock = new FakeClock();
    faulty = [];
    metered = [];
    MeteredBackplane.onItsWay.clear();
    MeteredBackplane.peaks.clear();
    farm = await Farm.start(3, {
      platform,
      hubs: [FarmHub],
      clock,
      signalr: {
        relay: { maxBytes: WINDOW, nodeTimeout: 6_000 },
        core: {
          allowStatefulReconnects: true,
          applicationMaxBufferSize: 16_384,
          statefulReconnectBufferSize: 50_000_000,
        },
        outbox: { maxBytes: 50_000_000 },
      },
      backplane: (broker: MemoryBroker) => {
        metered.push(new MeteredBackplane({ broker, clock }));
        faulty.push(new FaultyBackplane(metered.at(-1) as MeteredBackplane));
        return faulty.at(-1) as FaultyBackplane;
      },
    });
  });

  afterEach(async () => {
    gate.resolve();
    await farm.close();
    expect(farm.logged.filter((line) => !line.includes('The backplane is down.'))).toEqual([]);
  });

  const at = (server: number): string => `${farm.apps[server]?.url}/signalr/farm`;
  const [owner, front] = [0, 1];
  const peakOf = (server: number): number => (metered[server] as MeteredBackplane).peak;
  const calls = Array.from(
    { length: COUNT },
    (_, index) =>
      `{"type":1,"invocationId":"${index}","target":"take","arguments":[${index},"${TEXT}"]}${RS}`,
  );

  /** A client of the first server whose line ends at the second one. */
  async function connectAcross(): Promise<StatefulClient> {
    const client = await StatefulClient.connect(at(owner));
    client.socket.destroy();
    await client.socket.closed;
    await client.reopenAt(`${at(front).replace('http', 'ws')}${new URL(client.url).search}`);
    client.send({ type: 9, sequenceId: 1 });
    expect((await client.next()).type).toBe(9);
    return client;
  }

  /** A client of the first server that polls. */
  async function poller(): Promise<(server: number) => string> {
    const { connectionToken } = await RawCoreClient.negotiate(at(front));
    const url = (server: number): string => `${at(server)}?id=${connectionToken}`;
    await http('GET', url(owner));
    const shaken = http('GET', url(owner));
    await http('POST', url(owner), { body: `{"protocol":"json","version":1}${RS}` });
    expect((await shaken).body).toBe(`{}${RS}`);
    return url;
  }

  test('`relay.maxBytes` holds back what is sent to a client that does not read', async () => {
    const client = await connectAcross();
    client.socket.socket.pause();
    const text = TEXT.repeat(10);
    for (let index = 0; index < COUNT; index++) {
      await farm.hub(FarmHub).clients.client(client.connectionId).hear(index, text);
    }
    await expect.poll(() => peakOf(owner)).toBeGreaterThanOrEqual(WINDOW);
    client.socket.socket.resume();
    for (let index = 0; index < COUNT; index++) {
      expect((await client.next()).arguments).toEqual([index, text]);
    }
    expect(peakOf(owner)).toBeLessThan(WINDOW + ONE_FRAME + text.length);
    client.socket.close();
  });

  test('`relay.maxBytes` holds back a client that calls faster than its hub answers', async () => {
    const client = await connectAcross();
    // Whatever the owner says of its state is long on its way.
    const [slow] = metered as [MeteredBackplane];
    slow.hold();
    for (const call of calls) {
      client.socket.send(call);
    }
    await expect.poll(() => peakOf(front)).toBeGreaterThanOrEqual(WINDOW);
    // The front may read on, if it wants to.
    for (let round = 0; round < 20; round++) {
      await RawCoreClient.negotiate(at(front));
    }
    slow.letGo();
    gate.resolve();
    const results: unknown[] = [];
    while (results.length < COUNT) {
      const { type, result } = await client.next();
      results.push(...(type === 3 ? [result] : []));
    }
    expect(results).toEqual(calls.map((_, index) => index));
    expect(peakOf(front)).toBeLessThan(WINDOW + ONE_READ);
    client.socket.close();
  });

  test('`relay.maxBytes` holds back the body of a request', async () => {
    const url = await poller();
    const sent = http('POST', url(front), { body: calls.join('') });
    await expect.poll(() => peakOf(front)).toBeGreaterThanOrEqual(WINDOW);
    gate.resolve();
    let answers = '';
    while (!answers.includes(`"result":${COUNT - 1}}`)) {
      answers += (await http('GET', url(owner))).body;
    }
    expect((await sent).status).toBe(200);
    expect(answers.split(RS)).toHaveLength(COUNT + 1);
    expect(peakOf(front)).toBeLessThan(WINDOW + ONE_READ);
  });

  test('`relay.nodeTimeout` is how long a silent server is waited for, and no longer', async () => {
    const url = await poller();
    const lines = new LineBreaker(farm.apps[front] as (typeof farm.apps)[number]);
    const held = http('GET', url(front));
    await lines.untilHolds('/farm');
    (faulty[owner] as FaultyBackplane).line = 'down';
    await clock.advance(5_000);
    expect(lines.holds('/farm')).toBe(true);
    await clock.advance(2_000);
    expect(await held).toMatchObject({ status: 404, body: 'No Connection with that ID' });
    (faulty[owner] as FaultyBackplane).line = 'up';
  });

  test('a server that has nothing to say is not silent: it says so three times within `relay.nodeTimeout`', async () => {
    const url = await poller();
    const lines = new LineBreaker(farm.apps[front] as (typeof farm.apps)[number]);
    const held = http('GET', url(front));
    await lines.untilHolds('/farm');
    const said = (server: number): number =>
      (metered[server] as MeteredBackplane).told.filter(({ type }) => type === 'alive').length;
    const before = [said(owner), said(front)] as const;
    await clock.advance(60_000);
    expect(lines.holds('/farm')).toBe(true);
    expect([said(owner) - before[0], said(front) - before[1]]).toEqual([30, 30]);
    await http('DELETE', url(owner));
    await held;
  });
});
