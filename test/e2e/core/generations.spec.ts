import type { Server } from 'node:http';
import { createRequire } from 'node:module';

import type * as signalR from '@microsoft/signalr';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  getHubContextToken,
  Hub,
  HubException,
  HubMethod,
  HubStream,
  type IHubContext,
  SignalRHub,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { coreTransports } from '../../support/core-lines.js';
import { Inbox } from '../../support/inbox.js';
import { LineBreaker } from '../../support/line-breaker.js';

/** What the hub has seen. */
const events = new Inbox<{ readonly name: string; readonly id: string; readonly stopCalled?: boolean }>();

/** A hub for real clients of every age. */
@Hub('work')
class WorkHub extends SignalRHub {
  override onDisconnected(stopCalled: boolean): void {
    events.put({ name: 'disconnected', id: this.context.connectionId, stopCalled });
  }

  @HubMethod()
  add(left: number, right: number): number {
    return left + right;
  }

  @HubMethod()
  nothing(): void {}

  @HubMethod()
  refuse(disclose: boolean): never {
    throw disclose ? new HubException('not today') : new Error('secret');
  }

  @HubMethod()
  async join(group: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
  }

  @HubMethod()
  async leave(group: string): Promise<void> {
    await this.groups.remove(this.context.connectionId, group);
  }

  @HubMethod()
  dismiss(): void {
    this.context.abort();
  }

  @HubMethod()
  async *counter(count: number): AsyncGenerator<number> {
    for (let value = 0; value < count; value++) {
      yield value;
    }
  }

  /** Goes on until nobody listens. */
  @HubMethod()
  async *endless(): AsyncGenerator<number> {
    try {
      for (let value = 0; ; value++) {
        yield value;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    } finally {
      events.put({ name: 'stream ended', id: this.context.connectionId });
    }
  }

  @HubMethod()
  async *breaks(): AsyncGenerator<number> {
    yield 1;
    throw new HubException('no more');
  }

  @HubMethod()
  async sum(start: number, @HubStream() items: AsyncIterable<number>): Promise<number> {
    let sum = start;
    for await (const item of items) {
      sum += item;
    }
    return sum;
  }

  @HubMethod()
  async *doubled(@HubStream() items: AsyncIterable<number>): AsyncGenerator<number> {
    for await (const item of items) {
      yield item * 2;
    }
  }

  @HubMethod()
  async ask(question: string): Promise<string> {
    return `the client says ${await this.clients.caller.invoke('answer', question)}`;
  }
}

type Library = typeof signalR;

/** The last release of every generation of the client, and what came with it. */
interface Generation {
  readonly version: string;
  readonly library: Library;
  /** Before 6 it may take the end of an event stream for an error, though a Close came before; with the original too. */
  readonly mistakesEndOfStream: boolean;
  readonly clientResults: boolean;
  /** From 8 on it sends a Close when it stops. */
  readonly saysGoodbye: boolean;
  readonly statefulReconnect: boolean;
}

// Generation 5 takes a machine that has `fetch` for a browser, and looks for its global object there.
vi.stubGlobal('self', globalThis);

const load = createRequire(import.meta.url);

const generations: readonly Generation[] = ['3.1', '5', '6', '7', '8', '9', '10'].map((version) => ({
  version,
  library: load(version === '10' ? '@microsoft/signalr' : `signalr-core-${version}`) as Library,
  mistakesEndOfStream: Number(version) < 6,
  clientResults: Number(version) >= 7,
  saysGoodbye: Number(version) >= 8,
  statefulReconnect: Number(version) >= 8,
}));

const rows = platforms.flatMap((platform) =>
  generations.map((generation) => ({ platform, generation, version: generation.version })),
);

describe.each(rows)('@microsoft/signalr $version in Node on $platform', ({ platform, generation }) => {
  const { library } = generation;
  // What a generation never had is no test of it: none is declared, so that none counts as skipped.
  const answering = [generation].filter(({ clientResults }) => clientResults);
  const resuming = [generation].filter(({ statefulReconnect }) => statefulReconnect);
  let app: TestApp;
  let hub: IHubContext<WorkHub>;
  let lines: LineBreaker;
  const open: signalR.HubConnection[] = [];

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [WorkHub],
      signalr: { core: { allowStatefulReconnects: true } },
    });
    hub = app.app.get<IHubContext<WorkHub>>(getHubContextToken(WorkHub), { strict: false });
    lines = new LineBreaker(app);
  });

  afterEach(() => Promise.all(open.splice(0).map((connection) => connection.stop())));

  afterAll(async () => {
    const closing = app.app.close();
    // Old clients keep lines open that they do not use; a server would wait until they give them up.
    (app.app.getHttpServer() as Server).closeAllConnections();
    await closing;
    expect(app.logged.filter((line) => !line.startsWith('work.refuse failed'))).toEqual([]);
  });

  const build = (
    options: signalR.IHttpConnectionOptions,
    configure: (builder: signalR.HubConnectionBuilder) => void = () => undefined,
  ): signalR.HubConnection => {
    const builder = new library.HubConnectionBuilder()
      .withUrl(`${app.url}/signalr/work`, options)
      .configureLogging(library.LogLevel.None);
    configure(builder);
    const connection = builder.build();
    open.push(connection);
    return connection;
  };

  /** Puts down the arguments of each call of a client method. */
  const listen = (connection: signalR.HubConnection, method: string): Inbox<unknown[]> => {
    const heard = new Inbox<unknown[]>();
    connection.on(method, (...args: unknown[]) => heard.put(args));
    return heard;
  };

  const until = (
    name: string,
    { connectionId }: Pick<signalR.HubConnection, 'connectionId'>,
  ): Promise<unknown> => events.nextWhere(name, (event) => event.name === name && event.id === connectionId);

  describe.each(coreTransports)('over %s', (name) => {
    const transport = library.HttpTransportType[name];
    let connection: signalR.HubConnection;

    beforeEach(() => {
      connection = build({ transport });
    });

    test('[core 176] calls, and reads results and errors', async () => {
      await connection.start();
      expect(await connection.invoke('add', 2, 3)).toBe(5);
      expect(await connection.invoke('Nothing')).toBeNull();
      await expect(connection.invoke('refuse', true)).rejects.toThrow(
        "An unexpected error occurred invoking 'refuse' on the server. HubException: not today",
      );
      await expect(connection.invoke('refuse', false)).rejects.toThrow(
        /^An unexpected error occurred invoking 'refuse' on the server\.$/,
      );
      await expect(connection.invoke('missing')).rejects.toThrow(
        "Failed to invoke 'missing' due to an error on the server. HubException: Method does not exist.",
      );
      await expect(connection.invoke('add', 2, 3, 4)).rejects.toThrow(
        "Failed to invoke 'add' due to an error on the server.",
      );
      expect(await connection.invoke('add', 1, 1)).toBe(2);
    });

    test('is called with all, in its group, and alone', async () => {
      const heard = listen(connection, 'Hear');
      await connection.start();
      await hub.clients.group('room').hear('before it came');
      await connection.invoke('join', 'room');
      await hub.clients.all.hear('all', 'grüß dich 😀');
      await hub.clients.group('room').hear('group', { list: [1, null] });
      await connection.invoke('leave', 'room');
      await hub.clients.group('room').hear('after it left');
      await hub.clients.client(connection.connectionId ?? '').hear('alone');
      expect([await heard.next('all'), await heard.next('group'), await heard.next('alone')]).toEqual([
        ['all', 'grüß dich 😀'],
        ['group', { list: [1, null] }],
        ['alone'],
      ]);
    });

    test('[core 128] [core 129] [core 131] reads streams, leaves them, and learns of their errors', async () => {
      await connection.start();
      expect(await readAll(connection.stream<number>('counter', 3))).toEqual([0, 1, 2]);
      await expect(readAll(connection.stream<number>('breaks'))).rejects.toThrow(
        'An error occurred on the server while streaming results. HubException: no more',
      );
      const items = new Inbox<number>();
      const subscription = connection.stream<number>('endless').subscribe({
        next: (item) => items.put(item),
        error: () => undefined,
        complete: () => undefined,
      });
      expect([await items.next('0'), await items.next('1')]).toEqual([0, 1]);
      subscription.dispose();
      await until('stream ended', connection);
      expect(await connection.invoke('add', 2, 3)).toBe(5);
    });

    test('[core 136] [core 142] sends streams', async () => {
      await connection.start();
      const numbers = new library.Subject<number>();
      const sum = connection.invoke('sum', 10, numbers);
      feed(numbers, [1, 2, 3]);
      expect(await sum).toBe(16);

      const inputs = new library.Subject<number>();
      const doubled = readAll(connection.stream<number>('doubled', inputs));
      feed(inputs, [4, 5]);
      expect(await doubled).toEqual([8, 10]);
    });

    test.each(answering)('[core 149] answers when it is asked', async () => {
      await connection.start();
      await expect(connection.invoke('ask', 'who?')).rejects.toThrow(`Client didn't provide a result.`);
      connection.on('answer', (question: string) => {
        if (question === 'never?') {
          throw new Error('I will not say');
        }
        return `${question} yes`;
      });
      expect(await connection.invoke('ask', 'really?')).toBe('the client says really? yes');
      await expect(connection.invoke('ask', 'never?')).rejects.toThrow('HubException: Error: I will not say');
    });

    test('comes back by itself after its line broke, as a new connection', async () => {
      connection = build({ transport }, (builder) =>
        builder.withAutomaticReconnect(Array.from({ length: 100 }, () => 20)),
      );
      const returned = new Inbox<string | undefined>();
      connection.onreconnected((id) => returned.put(id));
      const heard = listen(connection, 'hear');
      await connection.start();
      const before = connection.connectionId;
      if (name === 'LongPolling') {
        await lines.untilHolds('/signalr/work?');
      }
      lines.breakAll();
      expect(await returned.next('the return')).toBe(connection.connectionId);
      expect(connection.connectionId).not.toBe(before);
      await hub.clients.all.hear('again');
      expect(await heard.next('a call')).toEqual(['again']);
      expect(await connection.invoke('add', 2, 3)).toBe(5);
    });

    test('is dismissed by the hub, and does not come back', async () => {
      connection = build({ transport }, (builder) => builder.withAutomaticReconnect());
      const closed = new Inbox<{ error: Error | undefined }>();
      connection.onclose((error) => closed.put({ error }));
      await connection.start();
      await connection.send('dismiss');
      const { error } = await closed.next('the end');
      const isMistaken = name === 'ServerSentEvents' && generation.mistakesEndOfStream;
      expect(isMistaken ? [undefined, 'Error occurred'] : [undefined]).toContain(error?.message);
      expect(connection.state).toBe('Disconnected');
    });

    test('stops, and the hub learns of it', async () => {
      await connection.start();
      const { connectionId } = connection;
      await connection.stop();
      // Without a message an event stream that ends could as well be a lost line.
      const isTold = name !== 'ServerSentEvents' || generation.saysGoodbye;
      expect(await until('disconnected', { connectionId })).toMatchObject({ stopCalled: isTold });
    });
  });

  test('[core 178] connects without negotiation', async () => {
    const connection = build({ transport: library.HttpTransportType.WebSockets, skipNegotiation: true });
    await connection.start();
    expect(await connection.invoke('add', 2, 3)).toBe(5);
  });

  test.each(resuming)('[core 166] replaces a lost socket and keeps its connection', async () => {
    const connection = build({ transport: library.HttpTransportType.WebSockets }, (builder) =>
      builder.withStatefulReconnect(),
    );
    const heard = listen(connection, 'hear');
    await connection.start();
    const before = connection.connectionId;
    await connection.invoke('join', 'room');
    lines.breakAll();
    await hub.clients.group('room').hear('while away');
    expect(await heard.next('what came meanwhile')).toEqual(['while away']);
    expect(await connection.invoke('add', 2, 3)).toBe(5);
    expect(connection.connectionId).toBe(before);
  });
});

/** Everything that a stream gives; rejects with its error. */
function readAll<T>(stream: signalR.IStreamResult<T>): Promise<T[]> {
  const items: T[] = [];
  return new Promise((resolve, reject) => {
    stream.subscribe({ next: (item) => items.push(item), error: reject, complete: () => resolve(items) });
  });
}

function feed<T>(subject: signalR.Subject<T>, items: readonly T[]): void {
  for (const item of items) {
    subject.next(item);
  }
  subject.complete();
}
