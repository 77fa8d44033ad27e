import { inspect } from 'node:util';

import { describe, expect, test } from 'vitest';

import { toJson } from '../../lib/common/json.js';
import { camelCase } from '../../lib/common/names.js';
import { CallerState } from '../../lib/hubs/caller-state.js';
import { type ClientProxy, clientProxy } from '../../lib/hubs/client-proxy.js';
import { userName } from '../../lib/hubs/user-id-provider.js';
import { parameterList } from '../../lib/invocation/parameter-list.js';
import { RecordReader } from '../../lib/protocols/core/record-reader.js';
import { CLASSIC_QUERY, CORE_QUERY, parseQuery, type QueryRules } from '../../lib/transports/query.js';

describe('parameter list', () => {
  class Sample {
    plain(first: string, second: number): unknown {
      return [first, second];
    }

    // prettier-ignore
    async tricky(/* a comment, with (parens) */ first = ')', { a, b }: { a: number; b: number[] } = { a: 1, b: [1, 2] }, text = `x,${'y'}`, ...rest: string[]): Promise<unknown> {
      return [first, a, b, text, rest];
    }

    callback(run = (a: number, b: number) => a + b, $odd_1 = 'a//b'): unknown {
      return [run, $odd_1];
    }

    *generator(only: string): Generator<string> {
      yield only;
    }

    none(): void {}
  }

  const names = (method: keyof Sample): string[] =>
    parameterList(Sample.prototype[method]).map(
      ({ name, hasDefault, isRest }) => `${isRest ? '...' : ''}${name}${hasDefault ? '=' : ''}`,
    );

  test.each([
    ['plain', ['first', 'second']],
    ['tricky', ['first=', 'arg2=', 'text=', '...rest']],
    ['callback', ['run=', '$odd_1=']],
    ['generator', ['only']],
    ['none', []],
  ] as const)('%s', (method, expected) => {
    expect(names(method)).toEqual(expected);
  });
});

describe('query', () => {
  const read = (text: string, rules: QueryRules): Record<string, string> =>
    Object.fromEntries(parseQuery(text, rules));

  test('names in any case, values joined, for classic clients pairs without value left out', () => {
    const query = parseQuery('a=1&A=2&b&c=%20x+y&=z', CLASSIC_QUERY);
    expect([query.get('A'), query.get('c'), query.has('b'), query.get('missing')]).toEqual([
      '1,2',
      ' x y',
      false,
      undefined,
    ]);
    expect(query.getAll('a')).toEqual(['1', '2']);
  });

  test('for Core clients names without value have an empty one', () => {
    expect(read('a&&b=1&%63&', CORE_QUERY)).toEqual({ a: '', b: '1', c: '' });
  });

  test('separators, and escapes that are none', () => {
    expect(read('a=1;b=2', CLASSIC_QUERY)).toEqual({ a: '1', b: '2' });
    expect(read('a=1;b=2', CORE_QUERY)).toEqual({ a: '1;b=2' });
    expect(read('a=%zz&b=%E0%A4%A', CORE_QUERY)).toEqual({ a: '%zz', b: '%E0%A4%A' });
    expect(parseQuery('__proto__=1', CORE_QUERY).get('__proto__')).toBe('1');
  });
});

describe('selectors', () => {
  const sent: unknown[] = [];
  const send = (method: string, args: readonly unknown[]): Promise<void> => {
    sent.push([method, ...args]);
    return Promise.resolve();
  };
  const invokeAll = (method: string, args: readonly unknown[]): Promise<[]> =>
    send('all', [method, ...args]).then(() => []);
  const proxy = clientProxy<ClientProxy<{ hear(text: string): void }>>({ send, invoke: send, invokeAll });

  test('members send, under any name', async () => {
    await proxy.hear('x');
    await proxy.invoke('then', 1);
    await proxy.invokeAll('hear', ['y']);
    expect(sent.splice(0)).toEqual([
      ['hear', 'x'],
      ['then', 1],
      ['all', 'hear', 'y'],
    ]);
  });

  test('asking an object what everybody is asked sends nothing', async () => {
    const asked = await Promise.resolve(proxy);
    expect(asked).toBe(proxy);
    JSON.stringify(proxy);
    inspect(proxy);
    expect(Object.prototype.toString.call(proxy)).toBe('[object Object]');
    expect(proxy).toEqual(proxy);
    expect(Object.keys(proxy)).toEqual([]);
    for (const name of ['then', 'catch', 'finally', 'toJSON', 'inspect', 'prototype']) {
      expect((proxy as unknown as Record<string, unknown>)[name]).toBeUndefined();
    }
    expect(sent).toEqual([]);
  });

  test('they cannot be changed', () => {
    expect(() => {
      (proxy as unknown as Record<string, unknown>)['hear'] = 1;
    }).toThrow(TypeError);
    expect(() => Object.defineProperty(proxy, 'x', { value: 1 })).toThrow(TypeError);
  });
});

describe('state of a classic caller', () => {
  test('reads what the client sent, and knows what was changed', () => {
    const state = new CallerState(
      new Map<string, unknown>([
        ['name', 'ann'],
        ['deep', { list: [1] }],
      ]),
    );
    const { members } = state;
    expect([members['name'], members['Name'], 'deep' in members]).toEqual(['ann', undefined, true]);
    members['name'] = 'ann';
    members['deep'] = { list: [1] };
    expect(state.changesJson).toBeUndefined();
    members['name'] = undefined;
    members['added'] = 1;
    expect(state.changesJson).toBe('{"name":null,"added":1}');
    expect(Object.keys(members)).toEqual(['name', 'deep', 'added']);
  });
});

describe('JSON', () => {
  test.each([
    [undefined, 'null'],
    [new Uint8Array([1, 2, 3]), '"AQID"'],
    [Buffer.from([1, 2, 3]), '"AQID"'],
    [{ bytes: Buffer.from('x'), empty: new Uint8Array() }, '{"bytes":"eA==","empty":""}'],
    [[new Map([['a', 1]]), new Set([1, 2])], '[{"a":1},[1,2]]'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [['text', 1, null, true], '["text",1,null,true]'],
    [{ nothing: {} }, '{"nothing":{}}'],
  ])('%o', (value, json) => {
    expect(toJson(value, 'It')).toBe(json);
  });

  test('what cannot be sent says what it was', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(() => toJson(cycle, 'An argument of', 'ChatHub', 'send')).toThrow(
      /^An argument of ChatHub send cannot be sent as JSON: /,
    );
    expect(() => toJson(1n, 'It')).toThrow('It cannot be sent as JSON');
  });
});

describe('names', () => {
  test.each([
    ['ChatHub', 'chatHub'],
    ['chat', 'chat'],
    ['URL', 'uRL'],
    ['My.Nested.Name', 'my.nested.name'],
  ])('%s becomes %s', (name, script) => {
    expect(camelCase(name)).toBe(script);
  });

  test.each([
    [undefined, undefined],
    [null, undefined],
    ['ann', 'ann'],
    [7, '7'],
    [{ sub: '1', name: 'Ann' }, '1'],
    [{ id: 5 }, '5'],
    [{ username: '', email: 'a@b' }, 'a@b'],
    [{ roles: [] }, undefined],
  ])('the name of the user %o is %s', (user, name) => {
    expect(userName(user)).toBe(name);
  });
});

describe('record reader', () => {
  test('cuts frames into messages, wherever they were split', () => {
    const text = 'one\u001e\u001etwo and \u{1F600}\u001ethree';
    const bytes = Buffer.from(text);
    for (let size = 1; size <= bytes.length; size++) {
      const reader = new RecordReader();
      const records: string[] = [];
      for (let start = 0; start < bytes.length; start += size) {
        reader.push(bytes.subarray(start, start + size));
        for (let record = reader.next(); record !== undefined; record = reader.next()) {
          records.push(record.toString());
        }
      }
      expect(records).toEqual(['one', '', 'two and \u{1F600}']);
      expect([reader.messageBytes, reader.bufferedBytes]).toEqual(['three'.length + 1, 0]);
    }
  });
});
