import { type Type, UseFilters, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';
import { ClassicTestClient, CoreTestClient, createTestClient } from 'nestjs-signalr/testing';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { Matrix } from '../../support/matrix.js';
import {
  type Binding,
  bindings,
  filter,
  guard,
  interceptor,
  type Kind,
  kinds,
  Mark,
  obey,
  type Phase,
  phases,
  pipe,
  runs,
  type ScopeName,
  scopes,
  tagOf,
} from './matrix-enhancers.js';

/** Every enhancer of one binding, of some scopes. */
const all = <T>(
  make: (binding: Binding, scope: ScopeName) => T,
  binding: Binding,
  of: readonly ScopeName[],
): T[] => of.map((scope) => make(binding, scope));

/** A hub with enhancers of some scopes, bound to its class and its methods. */
function hubWith(name: string, of: readonly ScopeName[]): Type<SignalRHub> {
  @Hub(name)
  @UseGuards(...all(guard, 'class', of))
  @UsePipes(...all(pipe, 'class', of))
  @UseInterceptors(...all(interceptor, 'class', of))
  @UseFilters(...all(filter, 'class', of))
  class MatrixHub extends SignalRHub {
    @HubMethod()
    @UseGuards(...all(guard, 'method', of))
    @UsePipes(...all(pipe, 'method', of))
    @UseInterceptors(...all(interceptor, 'method', of))
    @UseFilters(...all(filter, 'method', of))
    run(command: string, @Mark() mark: string): string {
      obey(command);
      return `${command}|${mark}`;
    }

    @HubMethod()
    @UseGuards(...all(guard, 'method', of))
    @UsePipes(...all(pipe, 'method', of))
    @UseInterceptors(...all(interceptor, 'method', of))
    @UseFilters(...all(filter, 'method', of))
    async *stream(command: string, @Mark() mark: string): AsyncGenerator<string> {
      yield `first|${command}|${mark}`;
      obey(command);
      yield `last|${command}|${mark}`;
    }
  }
  return MatrixHub;
}

/** Why a cell of the matrix is empty. */
function reasonAgainst(kind: Kind, binding: Binding, scope: ScopeName, phase: Phase): string | undefined {
  if (kind === 'param decorators' && (binding !== 'method' || scope !== 'static')) {
    return 'a param decorator is a function of a parameter';
  }
  if (phase === 'connect' && kind !== 'guards') {
    return 'nobody calls a method while a client connects';
  }
  return phase === 'connect' && binding === 'method'
    ? 'no method is meant while a client connects'
    : undefined;
}

interface Cell {
  readonly kind: Kind;
  readonly binding: Binding;
  readonly scope: ScopeName;
  readonly phase: Phase;
}

const cells: readonly Cell[] = kinds.flatMap((kind) =>
  bindings.flatMap((binding) =>
    scopes.flatMap((scope) => phases.map((phase) => ({ kind, binding, scope, phase }))),
  ),
);
const empty = cells.filter(
  (cell) => reasonAgainst(cell.kind, cell.binding, cell.scope, cell.phase) !== undefined,
);
const full = cells.filter((cell) => !empty.includes(cell));

/** What a client reads when a guard has refused it. */
const REFUSED = /unauthorized|There was an error invoking|401/;

/** What an enhancer has to have done; each filter answers in its own words. */
const EFFECTS: Partial<Record<Kind, string>> = {
  guards: 'refused',
  pipes: '1',
  interceptors: '1',
  'param decorators': '1',
};

/** Who has to have done it in a second round. */
const IDENTITIES: Readonly<Record<ScopeName, readonly string[]>> = {
  static: ['the same object'],
  request: ['another object'],
  // Made as often as Nest makes what they belong to.
  transient: ['the same object', 'another object'],
};

const protocols = ['core', 'classic'] as const;
type Protocol = (typeof protocols)[number];

/**
 * Two applications: one where everything is static, so that hubs take the short way, and one with enhancers of all scopes,
 * where hubs are made for each call.
 */
const settings: readonly { readonly name: string; readonly scopes: readonly ScopeName[] }[] = [
  { name: 'plain', scopes: ['static'] },
  { name: 'mixed', scopes },
];

const rowOf = ({ kind, binding }: Pick<Cell, 'kind' | 'binding'>): string => `${kind}, ${binding}`;
const columnOf = ({ scope, phase }: Pick<Cell, 'scope' | 'phase'>): string => `${scope} ${phase}`;

const matrix = new Matrix(
  `Enhancers over ${protocols.join(' and ')}, ${platforms.join(' and ')}:`,
  kinds.flatMap((kind) => bindings.map((binding) => rowOf({ kind, binding }))),
  scopes.flatMap((scope) => phases.map((phase) => columnOf({ scope, phase }))),
  (row, column) => {
    const cell = full.find((candidate) => rowOf(candidate) === row && columnOf(candidate) === column);
    const rounds = cell?.scope === 'static' ? settings.length : 1;
    return cell && platforms.length * protocols.length * rounds;
  },
);

afterAll(() => {
  const reasons = new Set(
    empty.map((cell) => reasonAgainst(cell.kind, cell.binding, cell.scope, cell.phase)),
  );
  matrix.print(`– ${[...reasons].join('; ')}`);
});

const combinations = platforms.flatMap((platform) =>
  settings.flatMap((setting) => protocols.map((protocol) => [platform, setting.name, protocol] as const)),
);

describe.each(combinations)('enhancers on %s, %s hub, %s client', (platform, name, protocol) => {
  const of = settings.find((setting) => setting.name === name)?.scopes as readonly ScopeName[];
  const hub = hubWith('matrix', of);
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [hub],
      signalr: { useGlobalFilters: true },
      providers: [
        ...all(guard, 'global', of).map((useClass) => ({ provide: APP_GUARD, useClass })),
        ...all(pipe, 'global', of).map((useClass) => ({ provide: APP_PIPE, useClass })),
        ...all(interceptor, 'global', of).map((useClass) => ({ provide: APP_INTERCEPTOR, useClass })),
        ...all(filter, 'global', of).map((useClass) => ({ provide: APP_FILTER, useClass })),
      ],
    });
  });

  afterAll(async () => {
    await app.close();
    // Nest itself warns of global filters that are made for each request.
    expect(app.logged.filter((line) => !line.includes('RouterExceptionFilters'))).toEqual([]);
  });

  const connect = (command = ''): Promise<CoreTestClient<SignalRHub> | ClassicTestClient<SignalRHub>> =>
    createTestClient(app.app, hub, { protocol: protocol as Protocol, query: { command } });

  /** Everything that a client gets: the result, or items. */
  async function outcome(phase: Phase, command: string): Promise<readonly string[]> {
    if (phase === 'connect') {
      const client = await connect(command);
      await client.close();
      return [];
    }
    const client = await connect();
    runs.length = 0;
    try {
      if (phase === 'call') {
        return [await client.invoke<string>('run', command)];
      }
      if (client instanceof ClassicTestClient) {
        const result = await client.invoke<string>('stream', command);
        return [...(client.progress as string[]), result];
      }
      const items: string[] = [];
      for await (const item of client.stream<string>('stream', command)) {
        items.push(item);
      }
      return items;
    } finally {
      await client.close();
    }
  }

  const ran = (tag: string): readonly object[] =>
    runs.filter((run) => run.tag === tag).map(({ instance }) => instance);

  /** What an enhancer has done in one round, and which object has done it. */
  async function prove(
    { kind, phase }: Cell,
    tag: string,
  ): Promise<{ effect: string; instances: readonly object[] }> {
    switch (kind) {
      case 'guards': {
        await outcome(phase, 'let in');
        // While a client connects, guards run for each of its requests.
        const instances = ran(tag).slice(-1);
        const effect = await outcome(phase, `refuse ${tag}`).then(
          () => 'let in',
          (error: Error) => (REFUSED.test(error.message) ? 'refused' : error.message),
        );
        return { effect, instances };
      }
      case 'filters': {
        const values = await outcome(phase, `throw ${tag}`);
        return { effect: values.at(-1) as string, instances: ran(tag) };
      }
      default: {
        const values = await outcome(phase, 'go');
        const counts = values.map((value) => value.split('|').filter((part) => part === tag).length);
        return { effect: [...new Set(counts)].join(), instances: ran(tag) };
      }
    }
  }

  test.each(full.filter(({ scope }) => of.includes(scope)))(
    '$kind | $binding | $scope | $phase',
    async (cell) => {
      const tag = tagOf(cell.kind, cell.binding, cell.scope);
      const rounds = [];
      for (let round = 0; round < 2; round++) {
        runs.length = 0;
        rounds.push(await prove(cell, tag));
      }
      const effect = EFFECTS[cell.kind] ?? `handled by ${tag}`;
      expect(rounds).toMatchObject([
        { effect, instances: [{}] },
        { effect, instances: [{}] },
      ]);
      const isSame = rounds[0]?.instances[0] === rounds[1]?.instances[0];
      expect(IDENTITIES[cell.scope]).toContain(isSame ? 'the same object' : 'another object');
      matrix.pass(rowOf(cell), columnOf(cell));
    },
  );

  test('the order is that of Nest: global, class, method; interceptors come back in reverse', async () => {
    const [value] = await outcome('call', 'go');
    const order = (kind: Kind): string[] =>
      (value as string).split('|').filter((part) => part.startsWith(kind));
    const inOrder = (kind: Kind): string[] =>
      bindings.flatMap((binding) => of.map((scope) => tagOf(kind, binding, scope)));
    const outermostFirst = ['global', 'class', 'method'] as const;
    const expected = (kind: Kind): string[] =>
      outermostFirst.flatMap((binding) => of.map((scope) => tagOf(kind, binding, scope)));
    expect([...order('pipes')].sort()).toEqual([...inOrder('pipes')].sort());
    expect(order('interceptors')).toEqual(expected('interceptors').reverse());
    const guards = runs.map(({ tag }) => tag).filter((tag) => tag.startsWith('guards'));
    expect(guards.slice(0, 3 * of.length)).toEqual(expected('guards'));
  });
});
