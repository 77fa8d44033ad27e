import type { Server } from 'node:http';

import {
  HttpTransportType,
  HubConnection,
  HubConnectionBuilder,
  LogLevel,
  Subject,
} from '@microsoft/signalr';
import { MessagePackHubProtocol as ClientProtocol } from '@microsoft/signalr-protocol-msgpack';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Hub, HubContextRegistry, HubMethod, HubStream, SignalRHub } from 'nestjs-signalr';
import { MessagePackHubProtocol } from 'nestjs-signalr/msgpack';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { RawCoreClient } from '../../support/core-client.js';
import { http } from '../../support/http.js';
import { binaryTransports, pack, PackedCoreClient } from '../../support/packed-core-client.js';
import { RawWebSocket } from '../../support/web-socket.js';

@Hub('packed')
class PackedHub extends SignalRHub {
  @HubMethod()
  echo(value: unknown): unknown {
    return value;
  }

  @HubMethod()
  describe(value: unknown): string {
    return value instanceof Date
      ? 'date'
      : value instanceof Uint8Array
        ? `bytes ${value.join()}`
        : typeof value;
  }

  @HubMethod()
  nothing(): void {}

  @HubMethod()
  fail(): never {
    throw new Error('secret');
  }

  @HubMethod()
  async *count(to: number): AsyncGenerator<number> {
    for (let value = 0; value < to; value++) {
      yield value;
    }
  }

  @HubMethod()
  async *endless(): AsyncGenerator<number> {
    for (let value = 0; ; value++) {
      yield value;
      await new Promise(setImmediate);
    }
  }

  @HubMethod()
  circle(): unknown {
    const circle: unknown[] = [];
    circle.push(circle);
    return circle;
  }

  @HubMethod()
  async sum(@HubStream() values: AsyncIterable<number>): Promise<number> {
    let sum = 0;
    for await (const value of values) {
      sum += value;
    }
    return sum;
  }

  @HubMethod()
  ask(): Promise<unknown> {
    return this.clients.caller.invoke('answer', new Date(5));
  }

  @HubMethod()
  ping(): void {}
}

const HANDSHAKE = '{"protocol":"messagepack","version":1}\u001e';

/** A call with so many lists in each other. */
function deep(levels: number): Buffer {
  const head = Buffer.from('950180c0a46563686f91', 'hex');
  const body = Buffer.concat([head, Buffer.alloc(levels, 0x91), Buffer.from([0xc0])]);
  return Buffer.concat([Buffer.from([(body.byteLength & 0x7f) | 0x80, body.byteLength >> 7]), body]);
}

describe.each(platforms)('MessagePack on %s', (platform) => {
  let app: TestApp;
  let url: string;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [PackedHub],
      signalr: {
        hubProtocols: [new MessagePackHubProtocol()],
        core: { enableDetailedErrors: true, allowStatefulReconnects: true },
      },
    });
    url = `${app.url}/signalr/packed`;
  });

  afterAll(async () => {
    // A client that stops polling may leave a connection behind on which it has never asked for anything.
    (app.app.getHttpServer() as Server).closeAllConnections();
    await app.close();
  });

  const openSocket = (): Promise<RawWebSocket> => RawWebSocket.open(url.replace('http', 'ws'));

  test('[core 48] [core 54] the handshake is text, its acceptance binary, its refusal text', async () => {
    const socket = await openSocket();
    socket.send(HANDSHAKE);
    const accepted = await socket.frames.next('the handshake');
    expect([accepted.isBinary, accepted.data.toString()]).toEqual([true, '{}\u001e']);
    socket.close();
    const refused = await openSocket();
    refused.send('{"protocol":"messagepack","version":3}\u001e');
    const { isBinary, data } = await refused.frames.next('the refusal');
    expect([isBinary, data.toString()]).toEqual([
      false,
      `{"error":"The server does not support version 3 of the 'messagepack' protocol."}\u001e`,
    ]);
  });

  test('[core 49] event streams carry no bytes', async () => {
    const client = await RawCoreClient.open(url, {}, '', 'ServerSentEvents');
    client.line.send(HANDSHAKE);
    expect(JSON.parse(await client.nextRecord())).toEqual({
      error: `Cannot use the 'messagepack' protocol on the current transport. The transport does not support 'Binary' transfer format.`,
    });
    client.close();
  });

  test('[core 41] a hub may do without it', async () => {
    const plain = await startApp({
      platform,
      hubs: [PackedHub],
      signalr: { hubProtocols: [new MessagePackHubProtocol()], core: { supportedProtocols: ['json'] } },
    });
    const client = await RawCoreClient.open(`${plain.url}/signalr/packed`);
    client.line.send(HANDSHAKE);
    expect(await client.nextRecord()).toBe(`{"error":"The protocol 'messagepack' is not supported."}`);
    await plain.close();
  });

  describe.each(binaryTransports)('over %s', (transport) => {
    let client: PackedCoreClient;

    beforeEach(async () => {
      client = await PackedCoreClient.connect(url, { transport });
    });

    afterEach(() => client.close());

    test('[core 118] [core 120] a result that is nothing, and the end of a stream', async () => {
      client.sendPacked([1, {}, '1', 'nothing', []]);
      expect(await client.nextPacked()).toEqual([3, {}, '1', 3, null]);
      client.sendPacked([1, {}, '2', 'nothing', [], []]);
      expect(await client.nextPacked()).toEqual([3, {}, '2', 3, null]);
      client.sendPacked([4, {}, '3', 'count', [1]]);
      expect(await client.nextPacked()).toEqual([2, {}, '3', 0]);
      expect(await client.nextPacked()).toEqual([3, {}, '3', 2]);
    });

    test('[core 119] a call of a client, and its answer', async () => {
      client.sendPacked([1, {}, '1', 'ask', []]);
      const [type, headers, invocationId, ...call] = await client.nextPacked();
      expect([type, headers, ...call]).toEqual([1, {}, 'answer', [new Date(5)], []]);
      client.sendPacked([3, {}, invocationId, 3, 'five']);
      expect(await client.nextPacked()).toEqual([3, {}, '1', 3, 'five']);
    });

    test('items of a stream of the client', async () => {
      client.sendPacked([1, {}, '1', 'sum', [], ['7']], [2, {}, '7', 2], [2, {}, '7', 3], [3, {}, '7', 2]);
      expect(await client.nextPacked()).toEqual([3, {}, '1', 3, 5]);
    });

    test('a stream that the client cancels', async () => {
      client.sendPacked([4, {}, '1', 'endless', []]);
      expect(await client.nextPacked()).toEqual([2, {}, '1', 0]);
      client.sendPacked([5, {}, '1'], [1, {}, '2', 'nothing', []]);
      let last = await client.nextPacked();
      while (last[0] === 2) {
        last = await client.nextPacked();
      }
      expect([last, await client.nextPacked()]).toContainEqual([3, {}, '2', 3, null]);
    });

    test('[core 121] [core 122] values keep their types', async () => {
      const values = [
        new Date(1_700_000_000_123),
        new Uint8Array([1, 2, 3]),
        1.5,
        -1,
        2 ** 40,
        'ä',
        null,
        [true],
      ];
      for (const value of values) {
        expect((await client.invoke('echo', value)).result).toEqual(value);
      }
      expect((await client.invoke('describe', new Date(7))).result).toBe('date');
      expect((await client.invoke('describe', new Uint8Array([1, 2]))).result).toBe('bytes 1,2');
    });

    test('[core 123] elements behind the known ones, and messages of unknown types, are ignored', async () => {
      client.sendPacked(
        [6, 1, {}],
        [99, 'x'],
        [1, {}, '1', 'echo', ['a'], [], 'more'],
        [3, {}, '9', 2, 'more'],
      );
      expect(await client.nextPacked()).toEqual([3, {}, '1', 3, 'a']);
    });

    test('[core 55] [core 125] several messages in a frame, one in several', async () => {
      const first = pack([1, {}, '1', 'echo', ['a']]);
      const data = Buffer.concat([first, pack([1, {}, '2', 'echo', ['b'.repeat(200)]])]);
      // The last two cut the prefix of the second message, which has two bytes.
      const cuts = [0, 5, first.byteLength, first.byteLength + 1, data.byteLength];
      for (let part = 1; part < cuts.length; part++) {
        client.sendBytes(data.subarray(cuts[part - 1], cuts[part]));
      }
      expect(await client.nextPacked()).toEqual([3, {}, '1', 3, 'a']);
      expect(await client.nextPacked()).toEqual([3, {}, '2', 3, 'b'.repeat(200)]);
    });

    test('[core 125] a message that is exactly as large as allowed', async () => {
      const around = pack([1, {}, '1', 'describe', ['x'.repeat(300)]]).byteLength - 300 + 1;
      client.sendPacked([1, {}, '1', 'describe', ['x'.repeat(32_768 - around)]]);
      expect(await client.nextPacked()).toEqual([3, {}, '1', 3, 'string']);
    });

    test('what has no form fails the call, and the connection goes on', async () => {
      expect(await client.invoke('circle')).toMatchObject({
        error: expect.stringContaining('cannot be sent as MessagePack') as string,
      });
      expect((await client.invoke('echo', 1)).result).toBe(1);
    });

    test.each([
      [
        '[core 123] no headers',
        pack([1, null, null, 'echo', []]),
        `Reading map length for 'headers' failed.`,
      ],
      [
        '[core 124] a prefix of six bytes',
        Buffer.from('808080808001', 'hex'),
        'Messages over 2GB in size are not supported.',
      ],
      [
        '[core 125] a message that is announced too large',
        Buffer.from('ffff7f', 'hex'),
        'The maximum message size of 32768B was exceeded. The message size can be configured in AddHubOptions.',
      ],
      [
        '[core 127] an unknown extension',
        Buffer.from('08940280a131d40501', 'hex'),
        'Error reading MessagePack.',
      ],
      ['[core 127] no target', pack([1, {}, null, null, []]), 'Null or empty target for Invocation message.'],
      ['[core 127] another kind of result', pack([3, {}, '1', 9]), 'Invalid invocation result kind.'],
      ['no type', pack([{}]), `Reading 'messageType' as Int32 failed.`],
      [
        'a list of more elements than there are bytes',
        Buffer.from('0e950180c0a46563686fdd01c9c380', 'hex'),
        'Error reading MessagePack.',
      ],
      ['values that are nested too deeply', deep(600), 'Error reading MessagePack.'],
    ])('%s ends the connection, and the process lives on', async (_, data, detail) => {
      client.sendBytes(data);
      expect(await client.nextPacked()).toEqual([
        7,
        `Connection closed with an error. InvalidDataException: ${detail}`,
        true,
      ]);
      await client.ended;
      const another = await PackedCoreClient.connect(url, { transport });
      expect((await another.invoke('echo', 1)).result).toBe(1);
      another.close();
    });
  });

  test('[core 126] bytes over long polling', async () => {
    const { connectionToken } = await RawCoreClient.negotiate(url);
    const line = `${url}?id=${connectionToken}`;
    await http('GET', line);
    await http('POST', line, { body: HANDSHAKE });
    const accepted = await http('GET', line);
    expect([accepted.headers['content-type'], accepted.body]).toEqual([
      'application/octet-stream',
      '{}\u001e',
    ]);
    await http('POST', line, { body: pack([1, {}, '1', 'echo', [7]]) });
    const answer = await http('GET', line);
    expect(answer.headers['content-type']).toBe('application/octet-stream');
    expect(answer.bytes).toEqual(pack([3, {}, '1', 3, 7]));
    await http('DELETE', line);
  });

  describe.each([HttpTransportType.WebSockets, HttpTransportType.LongPolling])(
    'the JavaScript client over transport %s',
    (transport) => {
      const start = async (isPacked: boolean): Promise<HubConnection> => {
        const builder = new HubConnectionBuilder()
          .withUrl(url, { transport })
          .configureLogging(LogLevel.None);
        const connection = (isPacked ? builder.withHubProtocol(new ClientProtocol()) : builder).build();
        await connection.start();
        return connection;
      };

      test('[core 176] calls, errors, streams both ways, questions', async () => {
        const connection = await start(true);
        connection.on('answer', (at: unknown) =>
          at instanceof Date ? `asked at ${at.getTime()}` : 'no date',
        );
        expect(await connection.invoke('echo', { a: [1, null, 'x'] })).toEqual({ a: [1, null, 'x'] });
        expect(await connection.invoke('echo', new Date(7))).toEqual(new Date(7));
        expect(await connection.invoke('describe', new Date(7))).toBe('date');
        expect(await connection.invoke('describe', new Uint8Array([1, 2]))).toBe('bytes 1,2');
        await expect(connection.invoke('fail')).rejects.toThrow('Error: secret');
        const items: number[] = [];
        await new Promise<void>((resolve, reject) => {
          connection
            .stream<number>('count', 3)
            .subscribe({ next: (item) => items.push(item), complete: resolve, error: reject });
        });
        expect(items).toEqual([0, 1, 2]);
        const subject = new Subject<number>();
        const sum = connection.invoke<number>('sum', subject);
        subject.next(1);
        subject.next(2);
        subject.complete();
        expect(await sum).toBe(3);
        expect(await connection.invoke('ask')).toBe('asked at 5');
        await connection.stop();
      });

      test('one hub, all protocols: everybody hears everything, in their own types', async () => {
        const [binary, text] = [await start(true), await start(false)];
        const classic = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['packed'] });
        const heard = (connection: HubConnection): Promise<unknown[]> =>
          new Promise((resolve) => connection.on('hear', (...args: unknown[]) => resolve(args)));
        const [byBinary, byText] = [heard(binary), heard(text)];
        const at = new Date(1_700_000_000_000);
        await app.app
          .get(HubContextRegistry)
          .get(PackedHub)
          .clients.all.hear(at, Buffer.from([1, 2]), 'x');
        expect(await byBinary).toEqual([at, new Uint8Array([1, 2]), 'x']);
        expect(await byText).toEqual([at.toISOString(), 'AQI=', 'x']);
        expect(await classic.nextCall()).toMatchObject({ M: 'hear', A: [at.toISOString(), 'AQI=', 'x'] });
        await Promise.all([binary.stop(), text.stop(), classic.abort()]);
      });
    },
  );

  test('a stateful connection counts binary messages, too', async () => {
    const connection = new HubConnectionBuilder()
      .withUrl(url, { transport: HttpTransportType.WebSockets })
      .withHubProtocol(new ClientProtocol())
      .withStatefulReconnect()
      .configureLogging(LogLevel.None)
      .build();
    await connection.start();
    const id = connection.connectionId;
    expect(await connection.invoke('echo', 1)).toBe(1);
    expect(connection.connectionId).toBe(id);
    await connection.stop();
  });
});
