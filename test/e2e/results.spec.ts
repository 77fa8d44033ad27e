import { ReadableStream } from 'node:stream/web';

import { HttpTransportType, type HubConnection, HubConnectionBuilder, LogLevel } from '@microsoft/signalr';
import { MessagePackHubProtocol as ClientProtocol } from '@microsoft/signalr-protocol-msgpack';
import { concat, EMPTY, from, of, throwError } from 'rxjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hub, HubException, HubMethod, SignalRHub } from 'nestjs-signalr';
import { MessagePackHubProtocol } from 'nestjs-signalr/msgpack';

import { platforms, startApp, type TestApp } from '../support/app.js';
import { RawClassicClient } from '../support/classic-client.js';
import { Matrix } from '../support/matrix.js';

const ITEMS = [1, 'two', { three: 3 }];
const LAST = ITEMS.at(-1);

async function* generate(): AsyncGenerator<unknown> {
  yield* ITEMS;
}

/** Whatever a hub method may give, by the name of the method. */
const given: Readonly<Record<string, () => unknown>> = {
  'a value': () => LAST,
  nothing: () => undefined,
  'a promise': async () => LAST,
  'an Observable': () => from(ITEMS),
  'an async generator': () => generate(),
  'a ReadableStream': () => ReadableStream.from(ITEMS),
  'a promise of an Observable': async () => from(ITEMS),
  'a promise of an async generator': async () => generate(),
  'an empty stream': () => EMPTY,
  'a stream that fails': () =>
    concat(
      of(...ITEMS),
      throwError(() => new HubException('no more')),
    ),
};

@Hub('results')
class ResultsHub extends SignalRHub {
  @HubMethod()
  give(kind: string): unknown {
    return given[kind]?.();
  }
}

/** What a client gets of a call: items as they come, and how it ends. */
interface Outcome {
  readonly items: readonly unknown[];
  /** `undefined` if the call gives no result, as calls for streams. */
  readonly result?: unknown;
  readonly error?: string;
}

/** One hub method, and what each family makes of it. */
const kinds: readonly { readonly kind: string; readonly core: Outcome; readonly classic: Outcome }[] = [
  ...['a value', 'a promise'].map((kind) => {
    return { kind, core: { items: [], result: LAST }, classic: { items: [], result: LAST } };
  }),
  { kind: 'nothing', core: { items: [], result: null }, classic: { items: [] } },
  ...[
    'an Observable',
    'an async generator',
    'a ReadableStream',
    'a promise of an Observable',
    'a promise of an async generator',
  ].map((kind) => {
    return { kind, core: { items: ITEMS }, classic: { items: ITEMS, result: LAST } };
  }),
  { kind: 'an empty stream', core: { items: [] }, classic: { items: [] } },
  {
    kind: 'a stream that fails',
    core: {
      items: ITEMS,
      error: 'An error occurred on the server while streaming results. HubException: no more',
    },
    classic: { items: ITEMS, error: 'no more' },
  },
];

const families = ['classic', 'Core JSON', 'Core MessagePack'] as const;

const matrix = new Matrix(
  `Results of one hub method, on ${platforms.join(' and ')} (streams are progress and a last value for classic clients):`,
  kinds.map(({ kind }) => kind),
  families,
  () => platforms.length,
);

afterAll(() => matrix.print());

describe.each(platforms)('results for both families on %s', (platform) => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [ResultsHub],
      signalr: { hubProtocols: [new MessagePackHubProtocol()] },
    });
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  test.each(kinds)('a classic client and $kind', async ({ kind, classic }) => {
    const client = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['results'] });
    const { R: result, E: error } = await client.invoke('results', 'give', kind);
    const items = client.passedOver.map(({ P }) => P?.D);
    expect({ items, result, error }).toEqual({ result: undefined, error: undefined, ...classic });
    await client.abort();
    matrix.pass(kind, 'classic');
  });

  describe.each([
    ['Core JSON', undefined],
    ['Core MessagePack', new ClientProtocol()],
  ] as const)('%s', (family, protocol) => {
    let connection: HubConnection;

    beforeAll(async () => {
      const builder = new HubConnectionBuilder()
        .withUrl(`${app.url}/signalr/results`, {
          transport: HttpTransportType.WebSockets,
          skipNegotiation: true,
        })
        .configureLogging(LogLevel.None);
      connection = (protocol === undefined ? builder : builder.withHubProtocol(protocol)).build();
      await connection.start();
    });

    afterAll(() => connection.stop());

    const streamed = (kind: string): Promise<Outcome> =>
      new Promise((resolve) => {
        const items: unknown[] = [];
        connection.stream('give', kind).subscribe({
          next: (item) => items.push(item),
          complete: () => resolve({ items }),
          error: ({ message }: Error) => resolve({ items, error: message }),
        });
      });

    test.each(kinds.filter(({ core }) => 'result' in core))('gets $kind', async ({ kind, core }) => {
      expect({ items: [], result: await connection.invoke('give', kind) }).toEqual(core);
      matrix.pass(kind, family);
    });

    test.each(kinds.filter(({ core }) => !('result' in core)))(
      'takes $kind as a stream',
      async ({ kind, core }) => {
        expect(await streamed(kind)).toEqual(core);
        matrix.pass(kind, family);
      },
    );
  });
});
