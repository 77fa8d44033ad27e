import { once } from 'node:events';

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Hub, HubException, SignalRHub } from 'nestjs-signalr';
import { MessagePackHubProtocol } from 'nestjs-signalr/msgpack';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { type CoreFrame, RawCoreClient, RS } from '../../support/core-client.js';
import { type CoreTransportName, coreTransports, openLine } from '../../support/core-lines.js';
import { FakeClock } from '../../support/fake-clock.js';
import { http, type RawAnswer } from '../../support/http.js';
import { pack, unpack } from '../../support/packed-core-client.js';
import { StreamsHub } from '../../support/streams-hub.js';
import { RawWebSocket } from '../../support/web-socket.js';

@Hub('closed')
class ClosedHub extends SignalRHub {
  override onConnected(): void {
    throw new HubException('closed on Sundays');
  }
}

/** Calls that together make the server send every message it has for a client without stateful reconnect. */
const CALLS: readonly CoreFrame[] = [
  { type: 1, target: 'add', arguments: [2, 3] },
  { type: 1, target: 'echo', arguments: [{ kept: null }] },
  { type: 1, target: 'refuse', arguments: [] },
  { type: 1, target: 'missing', arguments: [] },
  { type: 1, target: 'tell', arguments: ['room', 'hi'] },
  { type: 1, target: 'ask', arguments: ['who?'] },
  { type: 4, target: 'count', arguments: [2] },
  { type: 4, target: 'fails', arguments: [] },
];

/** What may be null, because it is a value of the application. */
const VALUES = ['result', 'item', 'arguments'];

const nullsIn = (frame: CoreFrame): string[] =>
  Object.keys(frame).filter((name) => frame[name] === null && !VALUES.includes(name));

/** The kind of a message and what it has. */
const shapeOf = (frame: CoreFrame): string => `${frame.type as number}: ${Object.keys(frame).join()}`;

describe.each(platforms)('clients in other languages, by what they send and read, on %s', (platform) => {
  const clock = new FakeClock();
  let app: TestApp;
  let url: string;
  let client: RawCoreClient | undefined;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [StreamsHub, ClosedHub],
      signalr: {
        clock,
        hubProtocols: [new MessagePackHubProtocol()],
        // Clients that know nothing of it must not notice that others may come back.
        core: { allowStatefulReconnects: true },
        redirect: ({ url: path }) =>
          path.includes('elsewhere') ? { url: 'https://elsewhere.example/hub' } : undefined,
      },
    });
    url = `${app.url}/signalr/streams`;
  });

  afterEach(() => {
    client?.close();
    client = undefined;
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged.filter((line) => !line.includes('closed on Sundays'))).toEqual([]);
  });

  /** Everything that the server sends until a call is answered; the server's question is answered on the way. */
  async function framesOf(by: RawCoreClient, call: CoreFrame, invocationId: string): Promise<CoreFrame[]> {
    by.send({ ...call, invocationId });
    const frames: CoreFrame[] = [];
    for (;;) {
      const frame = await by.next(`the answer to ${String(call.target)}`);
      frames.push(frame);
      if (frame.type === 3) {
        return frames;
      }
      if (frame.type === 1 && frame.invocationId !== undefined) {
        by.send({ type: 3, invocationId: frame.invocationId, result: 'me' });
      }
    }
  }

  describe('Java', () => {
    /** It knows no event streams. */
    const transports = coreTransports.filter((name) => name !== 'ServerSentEvents');

    test.each(transports)(
      '[core 182] over %s: no headers and no nulls in what is sent',
      async (transport) => {
        client = await RawCoreClient.connect(url, {}, '', transport);
        const frames: CoreFrame[] = [];
        for (const [index, call] of CALLS.entries()) {
          frames.push(...(await framesOf(client, call, `${index}`)));
        }
        client.send({ type: 1, target: 'quit', arguments: [] });
        frames.push(await client.next('the close'));
        client.close();
        client = await RawCoreClient.connect(`${app.url}/signalr/closed`, {}, '', transport);
        frames.push(await client.next('the close with an error'));
        // All these have come, and none had more than this.
        expect([...new Set(frames.map(shapeOf))].sort()).toEqual([
          '1: type,invocationId,target,arguments',
          '1: type,target,arguments',
          '2: type,invocationId,item',
          '3: type,invocationId',
          '3: type,invocationId,error',
          '3: type,invocationId,result',
          '7: type',
          '7: type,error',
        ]);
        expect(frames.flatMap(nullsIn)).toEqual([]);
      },
    );

    test('[core 182] nor in a ping, and with version 1 of the handshake nothing is counted', async () => {
      client = await RawCoreClient.connect(url);
      await client.invoke('add', 1, 1);
      await clock.advance(16_000);
      expect(await client.nextRecord('a ping')).toBe('{"type":6}');
      expect(await client.invoke('add', 1, 1)).toEqual({ type: 3, invocationId: '1', result: 2 });
    });

    test.each([
      ['connectionToken', 'negotiateVersion=1'],
      ['url', 'negotiateVersion=1&to=elsewhere'],
      ['error', 'negotiateVersion=-1'],
    ])('[core 182] nor in what negotiate answers with: %s', async (member, query) => {
      const answer = await http('POST', `${url}/negotiate?${query}`);
      expect(answer.status).toBe(200);
      expect(answer.body).not.toContain('null');
      expect(JSON.parse(answer.body)).toHaveProperty(member);
      expect(JSON.parse(answer.body)).not.toHaveProperty('headers');
    });

    test('posts text whatever it sends, and leaves by DELETE', async () => {
      const { connectionToken } = await RawCoreClient.negotiate(url);
      const line = `${url}?id=${connectionToken}`;
      const headers = { 'Content-Type': 'text/plain;charset=UTF-8' };
      expect((await http('GET', line)).status).toBe(200);
      const handshake = `{"protocol":"messagepack","version":1}${RS}`;
      expect((await http('POST', line, { headers, body: handshake })).status).toBe(200);
      expect((await http('GET', line)).body).toBe(`{}${RS}`);
      const call = pack([1, {}, '1', 'add', [2, 3]]);
      expect((await http('POST', line, { headers, body: call })).status).toBe(200);
      expect((await http('GET', line)).bytes).toEqual(pack([3, {}, '1', 3, 5]));
      expect((await http('DELETE', line)).status).toBe(202);
    });
  });

  describe('Python and Go, which negotiate version 0', () => {
    /** As `signalrcore` does it: JSON is announced, and nothing sent. */
    const negotiate = (): Promise<RawAnswer> =>
      http('POST', `${url}/negotiate`, { headers: { 'Content-Type': 'application/json' } });

    async function connectionId(): Promise<string> {
      const answer = await negotiate();
      const { connectionId: id, ...others } = JSON.parse(answer.body) as Record<string, unknown>;
      expect([answer.status, Object.keys(others)]).toEqual([
        200,
        ['negotiateVersion', 'availableTransports'],
      ]);
      return id as string;
    }

    test.each(coreTransports)('[core 182] connect with the id alone, over %s', async (transport) => {
      client = await RawCoreClient.at(transport, url, await connectionId());
      await client.shakeHands();
      for (const [index, call] of CALLS.entries()) {
        const frames = await framesOf(client, call, `${index}`);
        expect(frames.at(-1)).toMatchObject({ type: 3, invocationId: `${index}` });
      }
    });

    test.each<CoreTransportName>(['ServerSentEvents', 'LongPolling'])(
      '[core 182] what is posted is answered with nothing, over %s',
      async (transport) => {
        const id = await connectionId();
        const line = await openLine(transport, `${url}?id=${id}`);
        const answer = await http('POST', `${url}?id=${id}`, {
          body: `{"protocol":"json","version":1}${RS}`,
        });
        expect([answer.status, answer.body]).toEqual([200, '']);
        expect(await line.nextText('the handshake answer')).toContain('{}');
        line.close();
      },
    );

    test('[core 182] a MessagePack handshake in a text frame, calls of six elements', async () => {
      const socket = await RawWebSocket.open(`${url.replace('http', 'ws')}?id=${await connectionId()}`);
      socket.send(`{"protocol":"messagepack","version":1}${RS}`);
      expect((await socket.frames.next('the handshake answer')).data.toString()).toBe(`{}${RS}`);
      socket.send(pack([1, {}, '1', 'tell', ['room', 'hi'], []]));
      const messages: unknown[] = [];
      while (messages.length < 3) {
        messages.push(...unpack((await socket.frames.next('calls and the answer')).data));
      }
      expect(messages).toEqual([
        [1, {}, null, 'Hear', ['hi'], []],
        [1, {}, null, 'hear', ['all'], []],
        [3, {}, '1', 3, null],
      ]);
      socket.close();
    });

    test('[core 182] pings of the WebSocket itself are answered', async () => {
      const { socket, ...raw } = await RawWebSocket.open(
        `${url.replace('http', 'ws')}?id=${await connectionId()}`,
      );
      const answered = once(socket, 'pong');
      socket.ping('still there?');
      expect(String((await answered)[0])).toBe('still there?');
      socket.close();
      await raw.closed;
    });
  });
});
