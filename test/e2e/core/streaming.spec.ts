import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { type CoreFrame, RawCoreClient } from '../../support/core-client.js';
import { coreTransports } from '../../support/core-lines.js';
import { deferred } from '../../support/inbox.js';
import { streamEvents, streamGates, StreamingHub } from './streaming-hub.js';

const runs = platforms.flatMap((platform) =>
  coreTransports.map((transport) => [platform, transport] as const),
);

describe.each(runs)('core streams on %s over %s', (platform, transport) => {
  let app: TestApp;
  let detailed: TestApp;
  let client: RawCoreClient;

  beforeAll(async () => {
    const hubs = [StreamingHub];
    app = await startApp({ platform, hubs });
    detailed = await startApp({
      platform,
      hubs,
      signalr: { core: { enableDetailedErrors: true, maximumParallelStreamsPerClient: 3 } },
    });
  });

  beforeEach(async () => {
    streamEvents.clear();
    client = await connect(app);
  });

  afterEach(() => client.close());

  afterAll(async () => {
    await app.close();
    await detailed.close();
  });

  const connect = ({ url }: TestApp): Promise<RawCoreClient> =>
    RawCoreClient.connect(`${url}/signalr/streams`, {}, '', transport);

  const open = (id: string, target: string, ...args: unknown[]): CoreFrame => ({
    type: 4,
    invocationId: id,
    target,
    arguments: args,
  });

  /** Everything that comes for an id, up to its end. */
  async function all(id: string, from = client): Promise<unknown[]> {
    const items: unknown[] = [];
    for (;;) {
      const message = await from.next(`a message of stream ${id}`);
      if (message.invocationId !== id) {
        continue;
      }
      if (message.type === 3) {
        return 'error' in message ? [...items, message.error] : 'result' in message ? ['result'] : items;
      }
      expect(message.type).toBe(2);
      items.push(message.item);
    }
  }

  const result = async (id: string): Promise<CoreFrame> => {
    for (;;) {
      const message = await client.next(`the answer to ${id}`);
      if (message.invocationId === id && message.type === 3) {
        return message;
      }
    }
  };

  const event = (what: string): Promise<string> =>
    streamEvents.nextWhere(what, (happened) => happened === what);

  test('[core 128] items come one by one, then a completion without result', async () => {
    client.send(open('3', 'counter', 3));
    expect(await client.nextRecord()).toBe('{"type":2,"invocationId":"3","item":0}');
    expect(await client.nextRecord()).toBe('{"type":2,"invocationId":"3","item":1}');
    expect(await client.nextRecord()).toBe('{"type":2,"invocationId":"3","item":2}');
    expect(await client.nextRecord()).toBe('{"type":3,"invocationId":"3"}');
  });

  test.each([
    ['observable', ['a', 'b']],
    ['later', ['late']],
    ['ticks', [0, 10, 20]],
    ['readable', [1, 2]],
  ])('a method may give any kind of stream: %s', async (target, items) => {
    client.send(open('1', target));
    expect(await all('1')).toEqual(items);
    client.send(open('1', target));
    expect(await all('1')).toEqual(items);
  });

  test('[core 129] a stream that is cancelled ends without error, and its source cleans up', async () => {
    client.send(open('3', 'endless', 'it'));
    await client.next();
    client.send({ type: 5, invocationId: '3' });
    expect((await all('3')).every((item) => typeof item === 'number')).toBe(true);
    await event('it aborted');
    await event('it cleaned up');
  });

  test('[core 129] an ordinary call can be cancelled as well', async () => {
    client.send({ type: 1, invocationId: '7', target: 'waits', arguments: ['call'] });
    await event('call waits');
    client.send({ type: 5, invocationId: '7' });
    expect(await result('7')).toEqual({ type: 3, invocationId: '7', result: 'call stopped' });
  });

  test('[core 130] cancelling what is not there changes nothing', async () => {
    client.send({ type: 5, invocationId: 'nope' });
    expect(await client.invoke('Plain')).toMatchObject({ result: 'plain' });
  });

  test('[core 131] a stream that fails ends with the error, after what was sent', async () => {
    const base = 'An error occurred on the server while streaming results.';
    client.send(open('1', 'fails', false));
    expect(await all('1')).toEqual([0, 1, base]);
    client.send(open('1', 'fails', true));
    expect(await all('1')).toEqual([0, 1, `${base} HubException: told`]);
    client.send(open('1', 'failsToSend'));
    expect(await all('1')).toEqual([1, base]);
    const other = await connect(detailed);
    other.send(open('1', 'fails', false));
    expect(await all('1', other)).toEqual([0, 1, `${base} Error: secret`]);
    other.close();
  });

  test('[core 132] the kind of call has to fit the method', async () => {
    const streaming = (name: string): string =>
      `The client attempted to invoke the streaming '${name}' method with a non-streaming invocation.`;
    const plain = (name: string): string =>
      `The client attempted to invoke the non-streaming '${name}' method with a streaming invocation.`;
    expect(await client.invoke('counter', 1)).toMatchObject({ error: streaming('counter') });
    expect(await client.invoke('any', 'stream')).toMatchObject({ error: streaming('any') });
    client.send(open('1', 'plain'));
    expect(await all('1')).toEqual([plain('Plain')]);
    client.send(open('1', 'any', 5));
    expect(await all('1')).toEqual([plain('any')]);
    client.send(open('1', 'any', 'stream'));
    expect(await all('1')).toEqual([1]);
  });

  test('a stream that never begins says why', async () => {
    client.send(open('1', 'nothing'));
    expect(await all('1')).toEqual([
      `The value returned by the streaming method 'nothing' is not a ChannelReader<> or IAsyncEnumerable<>.`,
    ]);
    client.send(open('2', 'refuses'));
    expect(await all('2')).toEqual([
      `An unexpected error occurred invoking 'refuses' on the server. HubException: not today`,
    ]);
    client.send(open('3', 'Missing'));
    expect(await all('3')).toEqual([
      `Failed to invoke 'Missing' due to an error on the server. HubException: Method does not exist.`,
    ]);
    client.send(open('4', 'counter'));
    expect(await all('4')).toEqual([`Failed to invoke 'counter' due to an error on the server.`]);
  });

  test('[core 133] an id that is in use is refused, and its stream goes on', async () => {
    client.send(open('3', 'endless', 'first'), open('3', 'counter', 1));
    let message = await client.next();
    while (message.type !== 3) {
      message = await client.next();
    }
    expect(message).toEqual({ type: 3, invocationId: '3', error: `Invocation ID '3' is already in use.` });
    expect(await client.next()).toMatchObject({ type: 2, invocationId: '3' });
    client.send({ type: 5, invocationId: '3' });
    await event('first cleaned up');
  });

  test('[core 134] streams take no slot', async () => {
    for (let id = 0; id < 50; id++) {
      client.send(open(`s${id}`, 'endless', `s${id}`));
    }
    client.send({ type: 1, invocationId: 'call', target: 'Plain', arguments: [] });
    expect(await result('call')).toMatchObject({ result: 'plain' });
  });

  test('[core 135] all sources are closed when the client leaves', async () => {
    client.send(open('1', 'endless', 'one'), open('2', 'endless', 'two'));
    await client.next();
    client.close();
    const ends = new Set(['one aborted', 'one cleaned up', 'two aborted', 'two cleaned up']);
    while (ends.size > 0) {
      ends.delete(await streamEvents.next([...ends].join()));
    }
    expect(ends).toEqual(new Set());
  });

  test('[core 136] a stream of the client', async () => {
    client.send(
      { type: 1, invocationId: '0', target: 'Up', arguments: [5], streamIds: ['1'] },
      { type: 2, invocationId: '1', item: 10 },
      { type: 2, invocationId: '1', item: 20 },
      { type: 3, invocationId: '1' },
    );
    expect(await result('0')).toEqual({ type: 3, invocationId: '0', result: 35 });
  });

  test('several streams, as the parameters want them', async () => {
    client.send(
      { type: 1, invocationId: '0', target: 'two', arguments: ['first'], streamIds: ['l', 'r'] },
      { type: 2, invocationId: 'l', item: 'left' },
      { type: 2, invocationId: 'r', item: 'right' },
      { type: 3, invocationId: 'r' },
      { type: 3, invocationId: 'l' },
    );
    expect(await result('0')).toMatchObject({ result: 'first,right,left' });
  });

  test('[core 137] the number of streams has to fit', async () => {
    const failure = (count: number): string =>
      `An unexpected error occurred invoking 'Up' on the server. HubException: Client sent ${count} stream(s), Hub method expects 1.`;
    client.send({ type: 1, invocationId: '0', target: 'Up', arguments: [5], streamIds: ['1', '2'] });
    expect(await result('0')).toMatchObject({ error: failure(2) });
    expect(await client.invoke('Up', 5)).toMatchObject({ error: failure(0) });
    client.send({ type: 1, invocationId: '9', target: 'Plain', arguments: [], streamIds: ['1'] });
    expect(await result('9')).toMatchObject({
      error: `An unexpected error occurred invoking 'Plain' on the server. HubException: Client sent 1 stream(s), Hub method expects 0.`,
    });
  });

  test('[core 138] a stream that the client fails', async () => {
    client.send(
      { type: 1, invocationId: '0', target: 'report', arguments: ['it'], streamIds: ['1'] },
      { type: 2, invocationId: '1', item: 'a' },
      { type: 3, invocationId: '1', error: 'Stream canceled by client.' },
    );
    const [got, failed] = ['it got a', 'it failed: HubException Stream canceled by client.'];
    expect([await event(got), await event(failed)]).toEqual([got, failed]);
  });

  test('[core 138] an id that is open fails the call, and its stream goes on', async () => {
    client.send(
      { type: 1, invocationId: '0', target: 'Up', arguments: [0], streamIds: ['7'] },
      { type: 1, invocationId: '1', target: 'Up', arguments: [0], streamIds: ['7'] },
      { type: 1, invocationId: '2', target: 'two', arguments: ['x'], streamIds: ['8', '8'] },
    );
    const used = (target: string, id: string): string =>
      `An unexpected error occurred invoking '${target}' on the server. HubException: Stream ID '${id}' is already in use.`;
    expect(await result('1')).toMatchObject({ error: used('Up', '7') });
    expect(await result('2')).toMatchObject({ error: used('two', '8') });
    client.send({ type: 2, invocationId: '7', item: 1 }, { type: 3, invocationId: '7' });
    expect(await result('0')).toMatchObject({ result: 1 });
  });

  test('[core 139] an item that does not fit fails the stream and not the connection', async () => {
    client.send(
      { type: 1, invocationId: '0', target: 'numbers', arguments: [], streamIds: ['1'] },
      { type: 2, invocationId: '1', item: '4' },
      { type: 2, invocationId: '1', item: 'no number' },
    );
    expect(await result('0')).toMatchObject({ result: 'Failed to bind Stream message.' });
    client.send(
      { type: 1, invocationId: '2', target: 'numbers', arguments: [], streamIds: ['1'] },
      { type: 2, invocationId: '1', item: '4' },
      { type: 3, invocationId: '1' },
    );
    expect(await result('2')).toMatchObject({ result: 'sum 4' });
  });

  test('[core 140] items of unknown streams, and of those whose method has ended, are ignored', async () => {
    client.send(
      { type: 2, item: 1, invocationId: 'nope' },
      { type: 3, invocationId: 'nope', result: 1 },
      { type: 1, invocationId: '0', target: 'readFirst', arguments: [], streamIds: ['1'] },
      { type: 2, invocationId: '1', item: 1 },
    );
    expect(await result('0')).toMatchObject({ result: 1 });
    client.send(...Array.from({ length: 30 }, () => ({ type: 2, invocationId: '1', item: 2 })));
    client.send({ type: 3, invocationId: '1' });
    expect(await client.invoke('Plain')).toMatchObject({ result: 'plain' });
  });

  test('[core 141] a method that does not read holds the client up after ten items', async () => {
    const gate = deferred();
    streamGates.set('gate', gate);
    const item = { type: 2, invocationId: '1', item: 1 };
    client.send({ type: 1, invocationId: '0', target: 'hesitant', arguments: ['gate'], streamIds: ['1'] });
    client.send(...Array.from({ length: 10 }, () => item), {
      type: 1,
      invocationId: 'before',
      target: 'Plain',
      arguments: [],
    });
    expect(await result('before')).toMatchObject({ result: 'plain' });
    client.send(item, { type: 1, invocationId: 'behind', target: 'Plain', arguments: [] });
    client.send({ type: 3, invocationId: '1' });
    const first = result('behind').then(() => 'behind');
    const quiet = new Promise((resolve) => setTimeout(() => resolve('quiet'), 100));
    expect(await Promise.race([first, quiet])).toBe('quiet');
    gate.resolve();
    expect(await first).toBe('behind');
    streamGates.delete('gate');
  });

  test('[core 142] streams in both directions at once', async () => {
    client.send(
      { type: 4, invocationId: '0', target: 'doubled', arguments: [], streamIds: ['1'] },
      { type: 2, invocationId: '1', item: 1 },
    );
    expect(await client.next()).toMatchObject({ type: 2, invocationId: '0', item: 2 });
    client.send({ type: 2, invocationId: '1', item: 2 }, { type: 3, invocationId: '1' });
    expect(await all('0')).toEqual([4]);
  });

  test('a call behind a cancellation that frees streams is not lost', async () => {
    const gate = deferred();
    streamGates.set('slow', gate);
    client.send({ type: 4, invocationId: 's', target: 'doubled', arguments: [], streamIds: ['u'] });
    client.send(
      { type: 1, invocationId: 'a', target: 'waitAt', arguments: ['slow'] },
      { type: 5, invocationId: 's' },
      { type: 1, invocationId: 'b', target: 'Plain', arguments: [] },
      { type: 1, invocationId: 'c', target: 'Plain', arguments: [] },
    );
    await all('s');
    gate.resolve();
    streamGates.delete('slow');
    expect(await result('a')).toMatchObject({ result: 'waited' });
    expect(await result('b')).toMatchObject({ result: 'plain' });
    expect(await result('c')).toMatchObject({ result: 'plain' });
  });

  test('a client that leaves fails its streams', async () => {
    client.send(
      { type: 1, target: 'report', arguments: ['left'], streamIds: ['1'] },
      { type: 2, invocationId: '1', item: 'a' },
    );
    expect(await event('left got a')).toBe('left got a');
    client.close();
    const end = 'left failed: SignalRError The underlying connection was closed.';
    expect(await event(end)).toBe(end);
  });

  test('open streams have a limit', async () => {
    const other = await connect(detailed);
    other.send(open('1', 'endless', 'x'), open('2', 'endless', 'y'));
    other.send({ type: 1, invocationId: '3', target: 'two', arguments: ['x'], streamIds: ['a', 'b'] });
    const message = await (async () => {
      for (;;) {
        const next = await other.next();
        if (next.type === 3) {
          return next;
        }
      }
    })();
    expect(message).toEqual({
      type: 3,
      invocationId: '3',
      error: `An unexpected error occurred invoking 'two' on the server. HubException: The client may not have more than 3 stream(s) open.`,
    });
    other.close();
    await event('y cleaned up');
  });

  test('classic clients get items as progress and the last one as result', async () => {
    const classic = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['streams'] });
    expect(await classic.invoke('streams', 'counter', 3)).toMatchObject({ R: 2 });
    expect(await classic.invoke('streams', 'Up', 3)).toMatchObject({
      E: 'Client sent 0 stream(s), Hub method expects 1.',
    });
    await classic.abort();
  });

  test('nothing of all that was worth an error in the log', () => {
    const expected = /secret|bigint|serializ|BigInt|sent as JSON|stream\(s\)|while streaming/i;
    expect(app.logged.filter((line) => !expected.test(line))).toEqual([]);
  });
});
