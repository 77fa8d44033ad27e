import { MessagePackHubProtocol as ClientProtocol } from '@microsoft/signalr-protocol-msgpack';
import { NullLogger } from '@microsoft/signalr';
import { decode, encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { SignalRError } from 'nestjs-signalr';
import { MessagePackHubProtocol } from 'nestjs-signalr/msgpack';

import { LengthPrefixReader, lengthPrefix } from '../../lib/msgpack/length-prefix-reader.js';
import { checkStructure, MAXIMUM_DEPTH } from '../../lib/msgpack/structure.js';
import type { CoreMessage } from '../../lib/protocols/core/core-message.js';
import { type ClientMessage, MessageType, ProtocolError } from '../../lib/protocols/core/messages.js';

const protocol = new MessagePackHubProtocol();
const client = new ClientProtocol();

const hex = ({ data }: CoreMessage): string =>
  Buffer.from(data as Uint8Array)
    .toString('hex')
    .replaceAll(/..(?!$)/g, '$& ');
const bytes = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

/** What the server reads of framed bytes. */
function read(data: Uint8Array): (ClientMessage | undefined)[] {
  const reader = protocol.createReader();
  reader.push(Buffer.from(data));
  const messages: (ClientMessage | undefined)[] = [];
  for (let body = reader.next(); body !== undefined; body = reader.next()) {
    messages.push(protocol.parse(body));
  }
  return messages;
}

function thrownBy(action: () => unknown): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** What a client reads of a message of the server. */
function readByClient({ data }: CoreMessage): unknown {
  const copy = new Uint8Array(data as Uint8Array);
  return client.parseMessages(copy.buffer, NullLogger.instance)[0];
}

const call = (method: string, args: unknown[]): Parameters<MessagePackHubProtocol['invocation']>[0] => ({
  type: 'call',
  hub: 'h',
  method,
  argumentsJson: JSON.stringify(args),
  encodedArguments: { messagepack: protocol.encodeArguments(args) },
});

describe('MessagePack vectors (signalr-core §5.3)', () => {
  test.each([
    ['ping', protocol.ping, '02 91 06'],
    ['close', protocol.close(undefined, false), '04 93 07 c0 c2'],
    ['close, allow reconnect', protocol.close(undefined, true), '04 93 07 c0 c3'],
    [
      'invocation with id',
      protocol.invocation(call('method', []), 'xyz'),
      '10 96 01 80 a3 78 79 7a a6 6d 65 74 68 6f 64 90 90',
    ],
    [
      'invocation without id',
      protocol.invocation(call('method', [42])),
      '0e 96 01 80 c0 a6 6d 65 74 68 6f 64 91 2a 90',
    ],
    ['stream item', protocol.item('xyz', 42), '08 94 02 80 a3 78 79 7a 2a'],
    ['end of a stream', protocol.end('xyz'), '08 94 03 80 a3 78 79 7a 02'],
    ['result', protocol.result('xyz', 42), '09 95 03 80 a3 78 79 7a 03 2a'],
    [
      'error',
      protocol.failure('xyz', 'Error not found!'),
      '19 95 03 80 a3 78 79 7a 01 b0 45 72 72 6f 72 20 6e 6f 74 20 66 6f 75 6e 64 21',
    ],
    ['ack', protocol.ack(42), '03 92 08 2a'],
    ['sequence', protocol.sequence(146), '04 92 09 cc 92'],
  ])('[core 117] [core 119] writes %s', (_, message, expected) => {
    // One vector of the reference counts its prefix without the last byte of the body.
    expect(hex(message).split(' ').slice(1)).toEqual(expected.split(' ').slice(1));
    const body = (message.data as Uint8Array).byteLength - 1;
    expect((message.data as Uint8Array)[0]).toBe(body);
  });

  test.each([
    ['ping', '02 91 06', { type: 6 }],
    ['close as JavaScript sends it', '03 92 07 c0', { type: 7, error: undefined }],
    ['cancellation', '07 93 05 80 a3 78 79 7a', { type: 5, invocationId: 'xyz' }],
    ['ack', '03 92 08 2a', { type: 8, sequenceId: 42 }],
    ['sequence', '04 92 09 cc 92', { type: 9, sequenceId: 146 }],
    ['stream item', '08 94 02 80 a3 78 79 7a 2a', { type: 2, invocationId: 'xyz', item: 42 }],
    [
      'completion',
      '09 95 03 80 a3 78 79 7a 03 2a',
      { type: 3, invocationId: 'xyz', result: 42, hasResult: true },
    ],
  ])('[core 117] reads %s', (_, data, expected) => {
    expect(read(bytes(data))).toMatchObject([expected]);
  });

  test('[core 118] [core 121] reads what the JavaScript client sends, with five elements or six', () => {
    const frame = bytes(
      `41 95 01 80 c0 a4 45 63 68 6f 9e 01 ff cd 01 2c cb 3f f8 00 00 00 00 00 00 a1 78 c3 c0 c0
       d6 ff 00 00 00 00 d7 ff 1d 53 53 00 65 53 f1 00 c4 03 01 02 03 81 a1 61 01 91 01 cb 43 40 00 00 00 00 00 00`,
    );
    const args = [
      1,
      -1,
      300,
      1.5,
      'x',
      true,
      null,
      null,
      new Date(0),
      new Date(1_700_000_000_123),
      new Uint8Array([1, 2, 3]),
      { a: 1 },
      [1],
      2 ** 53,
    ];
    expect(read(frame)).toEqual([
      {
        type: 1,
        invocationId: undefined,
        target: 'Echo',
        arguments: args,
        streamIds: [],
        traceContext: undefined,
      },
    ]);
    const six = encode([1, {}, null, 'Echo', [1], ['7']]);
    expect(read(Buffer.concat([Buffer.from(lengthPrefix(six.byteLength)), six]))).toMatchObject([
      { arguments: [1], streamIds: ['7'] },
    ]);
  });

  test('[core 121] timestamps of 32, 64 and 96 bits', () => {
    const ninetySix = '80 94 02 80 a1 31 c7 0c ff 00 00 00 00 ff ff ff ff ff ff ff ff'.slice(3);
    const body = bytes(ninetySix);
    const item = protocol.parse(body) as { item: Date };
    expect(item.item).toBeInstanceOf(Date);
    expect(item.item.getTime()).toBe(-1_000);
  });
});

/** An empty list in so many lists. */
function nested(depth: number): unknown[] {
  let list: unknown[] = [];
  for (let level = 1; level < depth; level++) {
    list = [list];
  }
  return list;
}

/** Whatever both sides have a type for. */
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    // There is one zero among the integers.
    fc.double().map((number) => number + 0),
    fc.string({ unit: 'grapheme' }),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array(),
    fc.array(tie('value')),
    fc.dictionary(
      fc.string().filter((name) => name !== '__proto__'),
      tie('value'),
    ),
  ),
}));

describe('MessagePack messages', () => {
  test('[core 122] the real client understands every message, and its types are kept', () => {
    const value = {
      bytes: new Uint8Array([1, 2]),
      at: new Date(1_700_000_000_123),
      list: [null, undefined, -1, 2 ** 40, 1.5],
      map: new Map([['a', new Set([1])]]),
      own: { toJSON: () => 'own' },
      gone: undefined,
      call: () => 1,
    };
    const received = {
      bytes: new Uint8Array([1, 2]),
      at: new Date(1_700_000_000_123),
      list: [null, null, -1, 2 ** 40, 1.5],
      map: { a: [1] },
      own: 'own',
    };
    expect(readByClient(protocol.result('1', value))).toMatchObject({ invocationId: '1', result: received });
    expect(readByClient(protocol.item('1', value))).toMatchObject({ item: received });
    expect(readByClient(protocol.invocation(call('hear', [value])))).toMatchObject({
      target: 'hear',
      arguments: [received],
    });
    expect(readByClient(protocol.invocation(call('ask', []), 's1'))).toMatchObject({
      invocationId: 's1',
      target: 'ask',
    });
    expect(readByClient(protocol.close('gone', true))).toMatchObject({
      type: 7,
      error: 'gone',
      allowReconnect: true,
    });
    const { encodedArguments: _, ...fromElsewhere } = call('hear', [1, 'x']);
    expect(readByClient(protocol.invocation(fromElsewhere))).toMatchObject({ arguments: [1, 'x'] });
  });

  test('we understand every message of the real client', () => {
    const sent = [
      { type: 1, target: 't', arguments: [1], invocationId: '1', headers: {} },
      { type: 1, target: 't', arguments: [], streamIds: ['2'] },
      { type: 2, invocationId: '2', item: { a: 1 } },
      { type: 3, invocationId: '2' },
      { type: 3, invocationId: '2', error: 'broken' },
      { type: 3, invocationId: 's1', result: 5 },
      { type: 4, invocationId: '3', target: 's', arguments: [], streamIds: [] },
      { type: 5, invocationId: '3' },
      { type: 6 },
      { type: 7 },
      { type: 8, sequenceId: 3 },
    ];
    const written = sent.map((message) => Buffer.from(client.writeMessage(message as never)));
    expect(read(Buffer.concat(written))).toMatchObject([
      { type: 1, invocationId: '1', arguments: [1] },
      { type: 1, invocationId: undefined, streamIds: ['2'] },
      { type: 2, invocationId: '2', item: { a: 1 } },
      { type: 3, hasResult: false, error: undefined },
      { type: 3, error: 'broken' },
      { type: 3, result: 5, hasResult: true },
      { type: 4, invocationId: '3' },
      { type: 5 },
      { type: 6 },
      { type: 7, error: undefined },
      { type: 8, sequenceId: 3 },
    ]);
  });

  test.each([
    ['[core 123] nil as headers', [1, null, null, 't', []], `Reading map length for 'headers' failed.`],
    ['[core 127] nil as target', [1, {}, null, null, []], 'Null or empty target for Invocation message.'],
    ['[core 127] an unknown kind of result', [3, {}, '1', 9], 'Invalid invocation result kind.'],
    ['no type', ['x'], `Reading 'messageType' as Int32 failed.`],
    ['no list', { a: 1 }, `Reading array length for 'message' failed.`],
    ['no arguments', [1, {}, null, 't'], `Reading array length for 'arguments' failed.`],
    ['a stream without id', [4, {}, null, 't', []], `Reading 'invocationId' as String failed.`],
    ['a header that is no text', [1, { a: 1 }, null, 't', []], `Reading 'headers' as String failed.`],
  ])('refuses %s', (_, message, text) => {
    expect(() => protocol.parse(Buffer.from(encode(message)))).toThrow(new ProtocolError(text));
  });

  test('[core 127] an unknown extension, cut off bytes, forbidden keys', () => {
    for (const data of [
      '94 02 80 a1 31 d4 05 01',
      '94 02 80 a1 31',
      'c1',
      '94 02 80 a1 31 81 a9 5f 5f 70 72 6f 74 6f 5f 5f 01',
    ]) {
      expect(() => protocol.parse(bytes(data))).toThrow(ProtocolError);
    }
  });

  test('[core 123] elements behind the known ones, and unknown types, are ignored', () => {
    expect(protocol.parse(Buffer.from(encode([6, 1, 2])))).toEqual({ type: 6 });
    expect(protocol.parse(Buffer.from(encode([99, {}])))).toBeUndefined();
  });

  const cycle: Record<string, unknown> = {};
  cycle.self = [new Map([['again', cycle]])];

  test.each([
    ['a circle', cycle, /nested more than 500 deep, or in a circle/],
    ['what is nested too deeply', nested(MAXIMUM_DEPTH), /nested more than 500 deep/],
    ['an integer that is too large', 2n ** 64n, /more than 64 bits/],
    ['one that is too small', -(2n ** 63n) - 1n, /more than 64 bits/],
    [
      'what does not want to be sent',
      {
        toJSON: () => {
          throw new Error('never');
        },
      },
      /never/,
    ],
  ])('%s cannot be sent, and says so', (_, value, reason) => {
    for (const send of [
      () => protocol.result('1', value, 'The result of', 'x'),
      () => protocol.item('1', value, 'The result of', 'x'),
      () => protocol.encodeArguments([value], 'The result of', 'x'),
    ]) {
      const error = thrownBy(send);
      expect(error).toBeInstanceOf(SignalRError);
      expect(error).toMatchObject({ code: 'SIGNALR_UNSERIALIZABLE', message: expect.stringMatching(reason) });
      expect((error as Error).message).toMatch(/^The result of x cannot be sent as MessagePack: /);
    }
    expect(readByClient(protocol.result('1', 'the next value'))).toMatchObject({ result: 'the next value' });
  });

  test.each([
    ['a function', () => 1, null],
    ['a symbol', Symbol('x'), null],
    ['a date that is none', new Date(NaN), null],
    ['a BigInt', 2n ** 40n, 2 ** 40],
    ['the largest integer', 2n ** 64n - 1n, 2 ** 64],
    ['the smallest', -(2n ** 63n), -(2 ** 63)],
    ['functions in a list', [() => 1, 2], [null, 2]],
    ['an object that holds itself by what it says of itself', { toJSON: () => ({ a: 1 }) }, { a: 1 }],
    ['a Buffer', Buffer.from([1, 2]), new Uint8Array([1, 2])],
    ['an ArrayBuffer', new Uint8Array([1, 2]).buffer, new Uint8Array([1, 2])],
    ['what is nested as deeply as possible', nested(MAXIMUM_DEPTH - 1), nested(MAXIMUM_DEPTH - 1)],
  ])('%s is sent', (_, value, received) => {
    expect((readByClient(protocol.result('1', value)) as { result: unknown }).result).toEqual(received);
  });

  test('a name that would end the connection of a JavaScript client is not sent', () => {
    const value: unknown = JSON.parse('{"__proto__":{"a":1},"b":[{"__proto__":1}]}');
    expect(readByClient(protocol.result('1', value))).toMatchObject({ result: { b: [{}] } });
    const { encodedArguments: _, ...fromElsewhere } = call('hear', [value]);
    expect(readByClient(protocol.invocation(fromElsewhere))).toMatchObject({ arguments: [{ b: [{}] }] });
  });

  test('[core 121] [core 122] values of any kind survive both ways', () => {
    fc.assert(
      fc.property(fc.array(anyValue), (values) => {
        const called = readByClient(protocol.invocation(call('hear', values))) as { arguments: unknown };
        expect(called.arguments).toEqual(values);
        const answered = readByClient(protocol.result('1', values)) as { result: unknown };
        expect(answered.result).toEqual(values);
        const sent = client.writeMessage({ type: 1, target: 't', arguments: values, invocationId: '1' });
        const [received] = read(new Uint8Array(sent)) as { arguments: unknown }[];
        expect(received?.arguments).toEqual(values);
      }),
      { numRuns: 500 },
    );
  });

  test('only protocol errors come out of garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
        expect(thrownBy(() => read(data)) ?? new ProtocolError('none')).toBeInstanceOf(ProtocolError);
      }),
      { numRuns: 5_000 },
    );
  });

  test('only protocol errors come out of messages with some wrong bytes', () => {
    const written = fc
      .array(anyValue)
      .map((args) => client.writeMessage({ type: 1, target: 't', arguments: args, invocationId: '1' }));
    const change = fc.record({
      at: fc.nat(),
      skip: fc.nat({ max: 2 }),
      insert: fc.uint8Array({ maxLength: 2 }),
    });
    fc.assert(
      fc.property(written, fc.array(change, { minLength: 1, maxLength: 3 }), (message, changes) => {
        // The prefix is made anew, so that what is wrong is the message.
        let body = Buffer.from(message).subarray(message.byteLength < 130 ? 1 : 2);
        for (const { at, skip, insert } of changes) {
          const start = at % body.byteLength;
          body = Buffer.concat([
            body.subarray(0, start),
            insert,
            body.subarray(start + skip),
            Buffer.from([0xc0]),
          ]);
        }
        const framed = Buffer.concat([Buffer.from(lengthPrefix(body.byteLength)), body]);
        expect(thrownBy(() => read(framed)) ?? new ProtocolError('none')).toBeInstanceOf(ProtocolError);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('what a message may cost', () => {
  const list = (length: number): Buffer => {
    const head = Buffer.from([0xdd, 0, 0, 0, 0]);
    head.writeUInt32BE(length, 1);
    return head;
  };

  test.each([
    ['a list', Buffer.concat([bytes('94 02 80 a1 31'), list(30_000_000)])],
    ['a map', bytes('94 02 80 a1 31 df 01 00 00 00')],
    ['a list of as many elements as the message has bytes', Buffer.concat([list(10), Buffer.alloc(9)])],
    ['lists in lists', Buffer.concat(Array.from({ length: 400 }, () => list(1_000)))],
    ['lists beside lists', Buffer.concat([bytes('92'), list(8), Buffer.alloc(8), list(2), Buffer.alloc(1)])],
    ['nothing', Buffer.alloc(0)],
  ])('%s that announces more than there is makes no room for it', (_, data) => {
    expect(() => checkStructure(data)).toThrow('More is announced than there is.');
    const error = thrownBy(() => protocol.parse(data)) as Error;
    expect([error.message, (error.cause as Error).message]).toEqual([
      'Error reading MessagePack.',
      'More is announced than there is.',
    ]);
  });

  test('what is nested too deeply is refused', () => {
    const depth = (levels: number): Buffer => Buffer.concat([Buffer.alloc(levels, 0x91), bytes('c0')]);
    expect(() => checkStructure(depth(MAXIMUM_DEPTH))).not.toThrow();
    expect(() => checkStructure(depth(MAXIMUM_DEPTH + 1))).toThrow('Values are nested more than 500 deep.');
    expect(() => protocol.parse(depth(30_000))).toThrow(ProtocolError);
  });

  test('nothing that can be decoded is refused', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(() => checkStructure(encode(value))).not.toThrow();
      }),
    );
  });

  const kinds = `7f, e0, ff, c0, c2, c3, ca 00000000, cb 0000000000000000
    cc 00, cd 0000, ce 00000000, cf 0000000000000000, d0 00, d1 0000, d2 00000000, d3 0000000000000000
    c4 02 6161, c5 0002 6161, c6 00000002 6161, a2 6161, d9 02 6161, da 0002 6161, db 00000002 6161
    d4 05 00, d5 05 0000, d6 05 00000000, d7 05 0000000000000000, d8 05 ${'00'.repeat(16)}
    c7 02 05 6161, c8 0002 05 6161, c9 00000002 05 6161
    93 010101, dc 0002 0101, dd 00000002 0101, 82 a16101 a16201, de 0001 a16101, df 00000001 a16101`;

  test.each(kinds.split(/, |\n\s+/))('finds the end of %s', (value) => {
    const list = bytes(`93 ${value} 2a 2a`);
    expect(decode(list)).toHaveLength(3);
    expect(() => checkStructure(list)).not.toThrow();
    expect(() => checkStructure(list.subarray(0, -1))).toThrow('More is announced than there is.');
  });
});

describe('length prefixes', () => {
  test('[core 124] [core 125] messages of any size, however they are cut', () => {
    const sizes = [0, 1, 127, 128, 16_383, 16_384, 70_000, 2_097_152];
    const sent = Buffer.concat(
      sizes.flatMap((size) => [Buffer.from(lengthPrefix(size)), Buffer.alloc(size, size % 251)]),
    );
    for (const step of [1_000, 65_536, sent.byteLength]) {
      const reader = new LengthPrefixReader();
      const received: number[] = [];
      for (let start = 0; start < sent.byteLength; start += step) {
        reader.push(sent.subarray(start, start + step));
        for (let body = reader.next(); body !== undefined; body = reader.next()) {
          expect(body.every((byte) => byte === body.byteLength % 251)).toBe(true);
          received.push(body.byteLength);
        }
      }
      expect(received).toEqual(sizes);
      expect(reader.bufferedBytes).toBe(0);
    }
  });

  test('a message that comes byte by byte is put together once', () => {
    const concat = vi.spyOn(Buffer, 'concat');
    onTestFinished(() => concat.mockRestore());
    const body = Buffer.alloc(20_000, 7);
    const reader = new LengthPrefixReader();
    for (const byte of [...lengthPrefix(body.byteLength), ...body.subarray(1)]) {
      reader.push(Buffer.from([byte]));
      expect(reader.next()).toBeUndefined();
    }
    const before = concat.mock.calls.length;
    expect(before).toBeLessThanOrEqual(4);
    reader.push(Buffer.from([7]));
    expect(reader.next()?.equals(body)).toBe(true);
    expect(concat.mock.calls.length).toBe(before + 1);
  });

  test('nothing is kept of empty frames', () => {
    const concat = vi.spyOn(Buffer, 'concat');
    onTestFinished(() => concat.mockRestore());
    const reader = new LengthPrefixReader();
    for (const data of ['81', ...Array.from({ length: 100 }, () => ''), '01']) {
      reader.push(bytes(data));
      expect(reader.next()).toBeUndefined();
    }
    expect(concat.mock.calls.map(([list]) => list.length)).toEqual([2]);
    expect(reader.messageBytes).toBe(0x81 + 2);
  });

  test('[core 124] a prefix of five bytes is the longest, and 2 GiB the end', () => {
    const announced = (prefix: string): number => {
      const reader = new LengthPrefixReader();
      reader.push(bytes(prefix));
      expect(reader.next()).toBeUndefined();
      return reader.messageBytes;
    };
    expect(announced('ff ff ff ff 07')).toBe(0x7fff_ffff + 5);
    expect(announced('80')).toBe(1);
    expect(() => announced('ff ff ff ff 08')).toThrow('Messages over 2GB in size are not supported.');
    expect(() => announced('80 80 80 80 80 01')).toThrow(ProtocolError);
    expect(lengthPrefix(MessageType.Ping)).toEqual([6]);
  });
});
