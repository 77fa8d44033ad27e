import { inspect } from 'node:util';

import { describe, expect, test } from 'vitest';

import { toJson } from '../../lib/common/json.js';
import { camelCase } from '../../lib/common/names.js';
import { all, lastly, recover } from '../../lib/common/promises.js';
import { RecentValues } from '../../lib/common/recent-values.js';
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

  test('names are listed once, as first spelled', () => {
    expect([...parseQuery('B=1&a=2&b=3', CORE_QUERY)]).toEqual([
      ['B', '1,3'],
      ['a', '2'],
    ]);
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

describe('values that were asked for of late', () => {
  test('the last ones are kept, those that are still asked for with them, and never more than twice as many', () => {
    const values = new RecentValues<number, string>(10);
    values.set(0, 'asked for');
    const known = [];
    for (let key = 1; key <= 1_000; key++) {
      values.set(key, String(key));
      known.push(values.get(0));
    }
    const kept = Array.from({ length: 1_001 }, (_, key) => key).filter(
      (key) => values.get(key) !== undefined,
    );
    expect(known.every((value) => value === 'asked for')).toBe(true);
    expect(kept).toContain(0);
    expect(kept.slice(-10)).toEqual([991, 992, 993, 994, 995, 996, 997, 998, 999, 1_000]);
    expect(kept.length).toBeLessThanOrEqual(20);
  });
});

describe('what may have to wait', () => {
  const later = (value: string): Promise<string> => Promise.resolve(value);
  const fail = (): never => {
    throw new Error('broken');
  };

  test('a failure is made up for, now or later', async () => {
    const what = (error: unknown): string => `made up for: ${String(error)}`;
    expect(recover(() => 'fine', what)).toBe('fine');
    expect(recover(fail, what)).toBe('made up for: Error: broken');
    expect(await recover(() => later('fine'), what)).toBe('fine');
    expect(await recover(() => later('').then(fail), what)).toBe('made up for: Error: broken');
  });

  test('what comes last comes once, however it ends', async () => {
    const log: string[] = [];
    const over = (): unknown => log.push('over');
    expect(lastly(() => 'now', over)).toBe('now');
    expect(() => lastly(fail, over)).toThrow('broken');
    const pending = lastly(() => later('later').then((value) => `${value}, ${log.length}`), over);
    expect([await pending, log.length]).toEqual(['later, 2', 3]);
    await expect(lastly(() => later('').then(fail), over)).rejects.toThrow('broken');
    expect(log).toHaveLength(4);
  });

  test('all of several values wait for the last of them only if one has to wait', async () => {
    expect(all(['a', 'b'])).toEqual(['a', 'b']);
    const waiting = all(['a', later('b')]);
    expect(waiting).toBeInstanceOf(Promise);
    expect(await waiting).toEqual(['a', 'b']);
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
