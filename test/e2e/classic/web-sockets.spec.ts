import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { type ClassicOptions, RawClassicClient } from '../../support/classic-client.js';
import { FakeClock } from '../../support/fake-clock.js';
import { type Deferred, deferred } from '../../support/inbox.js';
import { ChatHub, hubEvents, nextEvent, OtherHub } from './hubs.js';

const gates = new Map<string, Deferred>();

@Hub()
class WorkHub extends SignalRHub {
  /** Waits for the test to open the gate. */
  @HubMethod()
  async wait(gate: string): Promise<string> {
    await gates.get(gate)?.promise;
    return gate;
  }

  /** Keeps the process busy, and says when it was called. */
  @HubMethod()
  block(milliseconds: number): number {
    const called = performance.now();
    while (performance.now() - called < milliseconds) {
      // The point of this method is to be in the way.
    }
    return performance.now();
  }

  @HubMethod()
  now(): number {
    return performance.now();
  }
}

describe.each(platforms)('classic WebSockets on %s', (platform) => {
  let app: TestApp;
  let base: string;
  const clock = new FakeClock();

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [ChatHub, OtherHub, WorkHub], signalr: { clock } });
    base = `${app.url}/signalr`;
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  const connect = (options: ClassicOptions = { hubs: ['ChatHub'] }): Promise<RawClassicClient> =>
    RawClassicClient.connect(base, options);

  /** Sends and checks that the socket is still good for a call. */
  async function expectNoReply(message: string): Promise<void> {
    const client = await connect();
    client.socket.send(message);
    expect((await client.invoke('ChatHub', 'echo', 'alive')).R).toBe('alive');
    await client.abort();
  }

  test('[classic 70] the first frame initializes', async () => {
    const client = await RawClassicClient.negotiate(base, { hubs: ['ChatHub'] });
    await client.openSocket('connect');
    const { data, isBinary } = await client.socket.frames.next('the first frame');
    expect(isBinary).toBe(false);
    expect(data.toString()).toMatch(/^\{"C":"d-[0-9A-F]+-[0-9A-F]+","S":1,"M":\[\]\}$/);
    await client.abort();
  });

  test('[classic 71] no other frame does, and none after a reconnect', async () => {
    const client = await connect();
    await client.invoke('ChatHub', 'broadcast', 'one');
    client.socket.destroy();
    await client.openSocket('reconnect');
    await nextEvent('reconnected', client.connectionId);
    await client.invoke('ChatHub', 'broadcast', 'two');
    const seen = [await client.nextCall(), await client.nextCall(), await client.nextCall()];
    expect(seen.map(({ A }) => A[0])).toEqual(['in', 'one', 'two']);
    await client.abort();
  });

  test('[classic 72] a keep-alive every 10 s, whatever else is sent', async () => {
    const client = await connect();
    await client.nextCall();
    for (let round = 0; round < 3; round++) {
      await client.invoke('ChatHub', 'echo', round);
      await clock.advance(10_000);
      expect(await client.nextText('a keep-alive')).toBe('{}');
    }
    await client.abort();
  });

  test('[classic 73] a response is bare, its id a text', async () => {
    const client = await connect();
    await client.nextCall();
    client.socket.send('{"H":"chathub","M":"echo","A":["hi"],"I":7}');
    expect(await client.nextText()).toBe('{"R":"hi","I":"7"}');
    await client.abort();
  });

  test('[classic 74] a call before start is a call', async () => {
    const client = await RawClassicClient.open(base, { hubs: ['ChatHub'] });
    expect((await client.invoke('ChatHub', 'echo', 1)).R).toBe(1);
    await client.abort();
  });

  test('[classic 75] asynchronous calls do not wait for each other', async () => {
    const client = await connect({ hubs: [] });
    gates.set('slow', deferred());
    client.socket.send('{"H":"workhub","M":"wait","A":["slow"],"I":0}');
    client.socket.send('{"H":"workhub","M":"wait","A":["none"],"I":1}');
    expect(await client.nextFrame()).toEqual({ R: 'none', I: '1' });
    gates.get('slow')?.resolve();
    expect(await client.nextFrame()).toEqual({ R: 'slow', I: '0' });
    await client.abort();
  });

  test('[classic 76] a call that blocks delays the next one', async () => {
    const client = await connect({ hubs: [] });
    client.socket.send('{"H":"workhub","M":"block","A":[30],"I":0}');
    client.socket.send('{"H":"workhub","M":"now","A":[],"I":1}');
    const blocked = await client.nextResponse('0');
    const next = await client.nextResponse('1');
    expect(next.R).toBeGreaterThanOrEqual(blocked.R as number);
    await client.abort();
  });

  test('[classic 77] 60,000 bytes pass, 70,000 drop the connection', async () => {
    const client = await connect();
    const text = 'x'.repeat(60_000);
    expect((await client.invoke('ChatHub', 'echo', text)).R).toBe(text);
    client.socket.send(JSON.stringify({ H: 'chathub', M: 'echo', A: ['x'.repeat(70_000)], I: 1 }));
    expect((await client.socket.closed).code).toBe(1009);
    await client.abort();
  });

  test('[classic 79] a binary frame drops the connection', async () => {
    const client = await connect();
    client.socket.send(Buffer.from('{"H":"chathub","M":"echo","A":[1],"I":0}'));
    expect((await client.socket.closed).code).toBe(1006);
    await client.abort();
  });

  test.each([
    '[classic 80] not JSON',
    '[classic 81] {"H":"nohub","M":"x","A":[],"I":0}',
    '[classic 80] {"H":"chathub"',
    'empty ',
    'no object []',
    'no object 5',
    'no hub {}',
    'no object null',
    'no array {"H":"chathub","M":"echo","A":5,"I":0}',
    'no state {"H":"chathub","M":"echo","A":[1],"S":5,"I":0}',
    'no id {"H":"chathub","M":"echo","A":[1],"I":{}}',
  ])('%s gets no reply, and the socket stays open', async (title) => {
    await expectNoReply(title.replace(/^(?:\[classic \d+\]|empty|no \w+) ?/, ''));
  });

  test('[classic 82] a fragmented message is put together', async () => {
    const client = await connect();
    const message = '{"H":"chathub","M":"echo","A":["fragments"],"I":3}';
    client.socket.socket.send(message.slice(0, 10), { fin: false });
    client.socket.socket.send(message.slice(10, 20), { fin: false });
    client.socket.socket.send(message.slice(20), { fin: true });
    expect(await client.nextResponse('3')).toEqual({ R: 'fragments', I: '3' });
    await client.abort();
  });

  test('[classic 83] [classic 130] closing, then abort: one disconnect, and stop was called', async () => {
    const client = await connect();
    client.socket.close();
    await client.socket.closed;
    const answer = await client.abort();
    expect([answer.status, answer.headers['content-type'], answer.body]).toEqual([200, 'text/plain', '']);
    expect((await client.abort()).status).toBe(200);
    expect(await nextEvent('disconnected', client.connectionId)).toMatchObject({ detail: true });
    expect(hubEvents.pending).not.toContainEqual(
      expect.objectContaining({ event: 'disconnected', connectionId: client.connectionId }),
    );
  });

  test('[classic 84] a closed socket is a disconnect only when time is up', async () => {
    const client = await connect();
    client.socket.destroy();
    await client.socket.closed;
    // The server has seen the close once another client has made a round trip after it.
    const witness = await connect();
    await witness.invoke('ChatHub', 'echo', 1);
    await clock.advance(34_000);
    expect(hubEvents.pending).not.toContainEqual(
      expect.objectContaining({ event: 'disconnected', connectionId: client.connectionId }),
    );
    await clock.advance(6_000);
    expect(await nextEvent('disconnected', client.connectionId)).toMatchObject({ detail: false });
    await witness.abort();
  });

  test('[classic 85] [classic 132] a client that returns in time was never gone, and misses nothing', async () => {
    const client = await connect();
    const other = await connect();
    await client.nextCall();
    client.socket.destroy();
    await client.socket.closed;
    for (const text of ['one', 'two', 'three']) {
      await other.invoke('ChatHub', 'broadcast', text);
    }
    await clock.advance(20_000);
    await client.openSocket('reconnect');
    await nextEvent('reconnected', client.connectionId);
    await other.invoke('ChatHub', 'broadcast', 'four');
    const texts = [];
    for (let count = 0; count < 4; count++) {
      texts.push((await client.nextCall()).A[0]);
    }
    expect(texts).toEqual(['one', 'two', 'three', 'four']);
    expect(hubEvents.pending).not.toContainEqual(
      expect.objectContaining({ event: 'disconnected', connectionId: client.connectionId }),
    );
    await Promise.all([client.abort(), other.abort()]);
  });

  test('[classic 86] abort closes the socket', async () => {
    const client = await connect();
    await client.abort();
    expect((await client.socket.closed).code).toBe(1000);
  });

  test('[classic 87] a second connect or reconnect takes over', async () => {
    const client = await connect();
    const first = client.socket;
    await client.openSocket('connect');
    expect((await first.closed).code).toBe(1000);
    expect((await client.nextFrame()).S).toBe(1);
    const second = client.socket;
    await client.openSocket('reconnect');
    expect((await second.closed).code).toBe(1000);
    expect((await client.invoke('ChatHub', 'echo', 'third')).R).toBe('third');
    await client.abort();
  });

  test('[classic 88] text of all planes makes the round trip', async () => {
    const client = await connect();
    const text = 'grüß dich 👋🏽 \u{1F9D1}\u200D\u{1F680} "\\ \u0000 \u2028';
    expect((await client.invoke('ChatHub', 'echo', text)).R).toBe(text);
    await client.abort();
  });

  test('[classic 129] abort of a connection that is not there', async () => {
    const client = await RawClassicClient.negotiate(base);
    const answer = await client.abort();
    expect([answer.status, answer.headers['content-type'], answer.body]).toEqual([200, 'text/plain', '']);
  });

  test('[classic 133] a return without a cursor starts now', async () => {
    const client = await connect();
    const other = await connect();
    await client.nextCall();
    client.socket.destroy();
    await client.socket.closed;
    await other.invoke('ChatHub', 'broadcast', 'missed');
    client.cursor = undefined;
    await client.openSocket('reconnect');
    await nextEvent('reconnected', client.connectionId);
    await other.invoke('ChatHub', 'broadcast', 'seen');
    expect((await client.nextCall()).A).toEqual(['seen']);
    await Promise.all([client.abort(), other.abort()]);
  });

  test('[classic 134] a cursor of another process starts now', async () => {
    const client = await connect();
    await client.nextCall();
    client.socket.destroy();
    client.cursor = 'd-1A2B3C4D-A,0|B,1';
    await client.openSocket('reconnect');
    await nextEvent('reconnected', client.connectionId);
    await client.invoke('ChatHub', 'broadcast', 'seen');
    expect((await client.nextCall()).A).toEqual(['seen']);
    await client.abort();
  });
});

describe.each(platforms)('classic calls at the same time on %s', (platform) => {
  test('a client with too many running calls has to wait', async () => {
    const app = await startApp({
      platform,
      hubs: [WorkHub],
      signalr: { classic: { maximumParallelInvocationsPerClient: 2 } },
    });
    gates.set('busy', deferred());
    const busy = await RawClassicClient.connect(`${app.url}/signalr`);
    const witness = await RawClassicClient.connect(`${app.url}/signalr`);
    const call = (id: number, method: string, ...args: unknown[]): void =>
      busy.socket.send(JSON.stringify({ H: 'workhub', M: method, A: args, I: id }));
    call(0, 'wait', 'busy');
    call(1, 'wait', 'busy');
    // Both calls are running once the witness, who came later, is answered.
    await witness.invoke('workhub', 'now');
    await witness.invoke('workhub', 'now');
    call(2, 'now');
    await witness.invoke('workhub', 'now');
    await witness.invoke('workhub', 'now');
    expect(busy.socket.frames.pending).toEqual([]);
    gates.get('busy')?.resolve();
    expect((await busy.nextResponse('2')).R).toEqual(expect.any(Number));
    await Promise.all([busy.abort(), witness.abort()]);
    await app.close();
    expect(app.logged).toEqual([]);
  });
});

describe.each(platforms)('classic WebSockets without a size limit on %s', (platform) => {
  test('[classic 78] a message of a megabyte is handled', async () => {
    const app = await startApp({
      platform,
      hubs: [ChatHub],
      signalr: { classic: { maxIncomingWebSocketMessageSize: null } },
    });
    const client = await RawClassicClient.connect(`${app.url}/signalr`);
    const text = 'y'.repeat(1_048_576);
    expect((await client.invoke('ChatHub', 'echo', text)).R).toBe(text);
    await client.abort();
    await app.close();
    expect(app.logged).toEqual([]);
  });
});
