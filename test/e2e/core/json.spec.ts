import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawCoreClient } from '../../support/core-client.js';
import { coreTransports } from '../../support/core-lines.js';
import { FakeClock } from '../../support/fake-clock.js';
import { nextEvent, PlainHub } from './hubs.js';

const CLOSED = 'Connection closed with an error.';
const BROKEN: readonly (readonly [tag: string, message: string, detail: string])[] = [
  ['[core 104] no type', '{"target":"x"}', `Missing required property 'type'.`],
  ['[core 105] a list', '[]', `Unexpected JSON Token Type 'Array'. Expected a JSON Object.`],
  ['[core 105] null', 'null', `Unexpected JSON Token Type 'Null'. Expected a JSON Object.`],
  ['[core 105] true', 'true', `Unexpected JSON Token Type 'True'. Expected a JSON Object.`],
  ['[core 105] cut off', '{', 'Error reading JSON.'],
  ['[core 105] nothing', '', 'Error reading JSON.'],
  [
    '[core 106] result and error',
    '{"type":3,"invocationId":"1","result":1,"error":"x"}',
    `The 'error' and 'result' properties are mutually exclusive.`,
  ],
  ['[core 110] another case', '{"Type":1}', `Missing required property 'type'.`],
  [
    'a null id',
    '{"type":1,"invocationId":null,"target":"add","arguments":[]}',
    `Expected 'invocationId' to be of type String.`,
  ],
  [
    'an empty id of a stream',
    '{"type":4,"invocationId":"","target":"stream","arguments":[]}',
    `Missing required property 'invocationId'.`,
  ],
  ['an empty id to cancel', '{"type":5,"invocationId":""}', `Missing required property 'invocationId'.`],
  ['a null sequence', '{"type":9,"sequenceId":null}', `Missing required property 'sequenceId'.`],
  [
    'deeper than 64',
    `{"type":1,"target":"echo","arguments":[${'['.repeat(63)}${']'.repeat(63)}]}`,
    'Error reading JSON.',
  ],
  ['no target', '{"type":1,"arguments":[]}', `Missing required property 'target'.`],
  ['no arguments', '{"type":1,"target":"add"}', `Missing required property 'arguments'.`],
  [
    'bad headers',
    '{"type":1,"target":"add","arguments":[],"headers":{"a":1}}',
    `Expected header 'a' to be of type String.`,
  ],
];

const runs = platforms.flatMap((platform) =>
  coreTransports.map((transport) => [platform, transport] as const),
);

describe.each(runs)('core JSON messages on %s over %s', (platform, transport) => {
  /** Polls come when they come, not when the clock of a test moves; their own time-outs are in long-polling.spec.ts. */
  const lastingLines = transport === 'LongPolling' ? [] : [transport];

  const clock = new FakeClock();
  let plain: TestApp;
  let talkative: TestApp;
  let client: RawCoreClient;

  beforeAll(async () => {
    plain = await startApp({ platform, hubs: [PlainHub], signalr: { clock } });
    talkative = await startApp({
      platform,
      hubs: [PlainHub],
      signalr: { clock, core: { enableDetailedErrors: true } },
    });
    client = await connect();
  });

  afterAll(async () => {
    client.close();
    await Promise.all([plain.close(), talkative.close()]);
  });

  async function connect(app: TestApp = plain): Promise<RawCoreClient> {
    const connected = await RawCoreClient.connect(`${app.url}/signalr/h`, {}, '', transport);
    expect(await connected.next()).toMatchObject({ target: 'welcome' });
    return connected;
  }

  /** Sends a message as it is written and gives the answer as it is written. */
  async function exchange(message: string): Promise<string> {
    client.send(message);
    return client.nextRecord();
  }

  const errorOf = async (of: RawCoreClient, target: string, ...args: unknown[]): Promise<unknown> =>
    (await of.invoke(target, ...args)).error;

  test('[core 92] a call and its result', async () => {
    expect(await exchange('{"type":1,"invocationId":"1","target":"Add","arguments":[1,2]}')).toBe(
      '{"type":3,"invocationId":"1","result":3}',
    );
  });

  test('[core 93] the target in any case', async () => {
    for (const target of ['add', 'ADD']) {
      expect((await client.invoke(target, 1, 2)).result).toBe(3);
    }
  });

  test('[core 94] members in any order', async () => {
    expect(await exchange('{"arguments":[1,2],"target":"Add","invocationId":"x y","type":1}')).toBe(
      '{"type":3,"invocationId":"x y","result":3}',
    );
  });

  test('[core 95] no result is null', async () => {
    expect(await exchange('{"type":1,"invocationId":"1","target":"ping","arguments":[]}')).toBe(
      '{"type":3,"invocationId":"1","result":null}',
    );
  });

  test('[core 96] without id no answer, not even of an error; a null id breaks the protocol', async () => {
    client.send(
      '{"type":1,"target":"add","arguments":[1,2]}',
      '{"type":1,"invocationId":"","target":"add","arguments":[1,2]}',
      '{"type":1,"target":"nope","arguments":[]}',
      '{"type":1,"target":"add","arguments":[]}',
    );
    expect(await exchange('{"type":1,"invocationId":"last","target":"ping","arguments":[]}')).toContain(
      '"last"',
    );
    const other = await connect(talkative);
    other.send('{"type":1,"invocationId":null,"target":"add","arguments":[1,2]}');
    expect(await other.next()).toMatchObject({
      type: 7,
      error: `${CLOSED} InvalidDataException: Expected 'invocationId' to be of type String.`,
    });
  });

  test('[core 97] an unknown method', async () => {
    expect(await errorOf(client, 'Foo')).toBe(
      `Failed to invoke 'Foo' due to an error on the server. HubException: Method does not exist.`,
    );
    expect((await client.invoke('add', 1, 2)).result).toBe(3);
  });

  test('[core 98] a wrong number of arguments', async () => {
    expect(await errorOf(client, 'add', 1)).toBe(`Failed to invoke 'Add' due to an error on the server.`);
    expect(await errorOf(await connect(talkative), 'add', 1)).toBe(
      `Failed to invoke 'Add' due to an error on the server. InvalidDataException: Invocation provides 1 argument(s) but target expects 2.`,
    );
  });

  test('[core 99] an argument that does not bind', async () => {
    expect((await client.invoke('parse', '12')).result).toBe(12);
    expect(await errorOf(client, 'parse', 'x')).toBe(
      `Failed to invoke 'parse' due to an error on the server.`,
    );
    expect(await errorOf(await connect(talkative), 'parse', 'x')).toBe(
      `Failed to invoke 'parse' due to an error on the server. InvalidDataException: Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked.`,
    );
  });

  test('[core 100] an error', async () => {
    const text = `An unexpected error occurred invoking 'boom' on the server.`;
    expect(await errorOf(client, 'boom', 'plain')).toBe(text);
    expect(await errorOf(await connect(talkative), 'boom', 'plain')).toBe(`${text} Error: plain text`);
  });

  test('[core 101] [core 102] a HubException, and a class of its kind', async () => {
    const text = `An unexpected error occurred invoking 'boom' on the server.`;
    expect(await errorOf(client, 'boom', 'hub')).toBe(`${text} HubException: x`);
    expect(await errorOf(client, 'boom', 'odd')).toBe(`${text} OddException: y`);
  });

  test('[core 103] a guard that refuses, and one that is broken', async () => {
    expect(await errorOf(client, 'secret')).toBe(`Failed to invoke 'Secret' because user is unauthorized`);
    expect(await errorOf(client, 'guarded')).toBe(
      `An unexpected error occurred invoking 'guarded' on the server.`,
    );
    expect((await client.invoke('add', 1, 2)).result).toBe(3);
  });

  test.each(BROKEN)('%s ends the connection', async (_, message, detail) => {
    const quiet = await connect();
    quiet.send(message);
    expect(await quiet.next()).toEqual({ type: 7, error: CLOSED, allowReconnect: true });
    await quiet.line.ended;
    const detailed = await connect(talkative);
    detailed.send(message);
    expect((await detailed.next()).error).toBe(`${CLOSED} InvalidDataException: ${detail}`);
  });

  test('[core 107] exactly the largest message, and one byte more', async () => {
    const detailed = await connect(talkative);
    const frame = (size: number): string => {
      const empty = '{"type":1,"invocationId":"1","target":"echo","arguments":[""]}\u001e';
      return empty.replace('[""]', `["${'x'.repeat(size - empty.length)}"]`);
    };
    detailed.line.send(frame(32_768));
    expect(await detailed.next()).toMatchObject({ type: 3, invocationId: '1' });
    detailed.line.send(frame(32_769));
    expect((await detailed.next()).error).toBe(
      `${CLOSED} InvalidDataException: The maximum message size of 32768B was exceeded. The message size can be configured in AddHubOptions.`,
    );
  });

  test('[core 108] many small messages in one large frame', async () => {
    const call = { type: 1, target: 'ping', arguments: ['x'.repeat(950)] };
    const calls = Array.from({ length: 110 }, () => call);
    client.send(...calls, { type: 1, invocationId: 'end', target: 'ping', arguments: [] });
    expect(await client.next()).toMatchObject({ invocationId: 'end' });
  });

  test('[core 109] types that do not exist are skipped', async () => {
    client.send('{"type":99,"x":1}', '{"type":1,"invocationId":"after","target":"ping","arguments":[]}');
    expect(await client.next()).toMatchObject({ invocationId: 'after' });
  });

  test('unknown members are ignored', async () => {
    expect(
      await exchange('{"type":1,"invocationId":"1","target":"ping","arguments":[],"x":{"y":1}}'),
    ).toContain('"result":null');
  });

  test('[core 111] the client closes, without and with a complaint', async () => {
    const content = await connect();
    content.send({ type: 7 });
    expect(await content.next()).toEqual({ type: 7 });
    expect((await nextEvent('disconnected', content.connectionId)).error).toBeUndefined();
    const angry = await connect();
    angry.send({ type: 7, error: 'x' });
    expect((await nextEvent('disconnected', angry.connectionId)).error).toMatchObject({ message: 'x' });
  });

  describe.each(lastingLines)('while time passes, over %s', () => {
    test('[core 112] a ping every 15 s, whatever else is sent', async () => {
      const pinged = await connect();
      const waiting = (async () => {
        const kinds: unknown[] = [];
        while (kinds.filter((type) => type === 6).length < 2) {
          kinds.push((JSON.parse(await pinged.nextRecord('a ping')) as { type: number }).type);
        }
        return kinds;
      })();
      for (let second = 0; second < 33; second++) {
        pinged.send({ type: 1, invocationId: `${second}`, target: 'ping', arguments: [] });
        await clock.advance(1_000);
      }
      const kinds = await waiting;
      expect(kinds.filter((type) => type === 3).length).toBeGreaterThan(10);
      pinged.close();
    });

    test('[core 113] who has pinged and falls silent is cut off', async () => {
      const silent = await connect(talkative);
      silent.send({ type: 6 }, { type: 1, invocationId: 'heard', target: 'ping', arguments: [] });
      expect(await silent.next()).toMatchObject({ invocationId: 'heard' });
      await clock.advance(29_000);
      silent.send({ type: 1, invocationId: 'again', target: 'ping', arguments: [] });
      expect(await silent.next()).toMatchObject({ invocationId: 'again' });
      await clock.advance(31_000);
      expect(await silent.next()).toEqual({
        type: 7,
        error: `${CLOSED} OperationCanceledException: Client hasn't sent a message/ping within the configured ClientTimeoutInterval.`,
        allowReconnect: true,
      });
      const { error } = await nextEvent('disconnected', silent.connectionId);
      expect(error?.message).toContain('ClientTimeoutInterval');
    });

    test('[core 114] who has never pinged is not', async () => {
      const quiet = await connect();
      await clock.advance(120_000);
      expect((await quiet.invoke('add', 1, 2)).result).toBe(3);
      quiet.close();
    });
  });

  test('values travel as JSON has them', async () => {
    const value = {
      camelCase: 1,
      PascalCase: 2,
      text: "é<+'\u2028👋",
      list: [null, true],
      date: new Date(0),
    };
    const { result } = await client.invoke('echo', value);
    expect(result).toEqual({ ...value, date: '1970-01-01T00:00:00.000Z' });
    expect((await client.invoke('echo', '\\u00e9 \u00e9')).result).toBe('\\u00e9 \u00e9');
  });

  test.each(['bigint', 'cycle'])('a result that is no JSON is an error: %s', async (kind) => {
    expect(await errorOf(client, 'unserializable', kind)).toBe(
      `An unexpected error occurred invoking 'unserializable' on the server.`,
    );
    expect((await client.invoke('add', 1, 2)).result).toBe(3);
  });

  test('[core 132] streaming methods and other methods are called differently', async () => {
    expect(await errorOf(client, 'stream')).toBe(
      `The client attempted to invoke the streaming 'stream' method with a non-streaming invocation.`,
    );
    client.send({ type: 4, invocationId: 's', target: 'add', arguments: [1, 2] });
    expect(await client.next()).toEqual({
      type: 3,
      invocationId: 's',
      error: `The client attempted to invoke the non-streaming 'Add' method with a streaming invocation.`,
    });
  });

  test('[core 130] [core 140] [core 148] what nobody waits for is ignored', async () => {
    client.send(
      { type: 5, invocationId: 'none' },
      { type: 2, invocationId: 'none', item: 1 },
      { type: 3, invocationId: 'none', result: 1 },
      { type: 8, sequenceId: 1 },
      { type: 9, sequenceId: 1 },
    );
    expect((await client.invoke('add', 1, 2)).result).toBe(3);
  });

  test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', 'onConnected', 'clients'])(
    '[core 189] %s does not exist',
    async (name) => {
      expect(await errorOf(client, name)).toBe(
        `Failed to invoke '${name}' due to an error on the server. HubException: Method does not exist.`,
      );
    },
  );
});
