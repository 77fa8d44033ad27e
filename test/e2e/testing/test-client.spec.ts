import { type CanActivate, type ExecutionContext, type INestApplication, UseGuards } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Subject } from '@microsoft/signalr';
import { from, throwError } from 'rxjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  Hub,
  HubException,
  HubMethod,
  HubProgress,
  HubStream,
  type IProgress,
  SignalRExecutionContext,
  SignalRHub,
  SignalRModule,
} from 'nestjs-signalr';
import {
  type ClassicTestClient,
  ConnectionRefusedError,
  type CoreTestClient,
  createTestClient,
  FakeClock,
  FaultyBackplane,
  HubCallError,
} from 'nestjs-signalr/testing';

import { platforms, startApp } from '../../support/app.js';
import { deferred, Inbox } from '../../support/inbox.js';

const ends = new Inbox<string>();
const endOf = ({ connectionId }: { connectionId: string }): Promise<string> =>
  ends.nextWhere('the end', (end) => end.startsWith(connectionId));

interface ChatClient {
  hear(name: string, text: string): void;
  ask(question: string): Promise<string>;
}

class NoBanned implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { isCall } = SignalRExecutionContext.create(context);
    return (
      isCall ||
      context.switchToHttp().getRequest<{ headers: Record<string, unknown> }>().headers['x-banned'] ===
        undefined
    );
  }
}

@Hub('chat')
@UseGuards(NoBanned)
class ChatHub extends SignalRHub<ChatClient> {
  override async onConnected(): Promise<void> {
    if (this.context.queryString.get('fail') !== undefined) {
      throw new HubException('not today');
    }
    await this.clients.caller.hear('server', 'welcome');
  }

  override onDisconnected(stopCalled: boolean): void {
    ends.put(`${this.context.connectionId} ${stopCalled}`);
  }

  @HubMethod()
  async send(name: string, text: string): Promise<string> {
    await this.clients.all.hear(name, text);
    return 'sent';
  }

  @HubMethod()
  who(): unknown {
    const { user, connectionId, protocol, queryString } = this.context;
    return { user, connectionId, protocol, room: queryString.get('room') };
  }

  @HubMethod()
  fail(): never {
    throw new HubException('no way', { code: 7 });
  }

  @HubMethod()
  async count(to: number, @HubProgress() progress: IProgress<number>): Promise<number> {
    for (let value = 1; value <= to; value++) {
      await progress.report(value);
    }
    return to;
  }

  @HubMethod()
  remember(): void {
    this.clients.callerState.seen = Number(this.clients.callerState.seen ?? 0) + 1;
  }

  @HubMethod()
  async *countdown(from: number): AsyncGenerator<number> {
    for (let value = from; value > 0; value--) {
      yield value;
    }
  }

  @HubMethod()
  async sum(@HubStream() numbers: AsyncIterable<number>): Promise<number> {
    let sum = 0;
    for await (const number of numbers) {
      sum += number;
    }
    return sum;
  }

  @HubMethod()
  async askBack(question: string): Promise<string> {
    return `you said ${await this.clients.caller.invoke('ask', question)}`;
  }

  @HubMethod()
  kick(): void {
    this.context.abort();
  }
}

describe.each(platforms)('test clients on %s', (platform) => {
  let app: INestApplication;

  beforeAll(async () => {
    const testing = await Test.createTestingModule({
      imports: [SignalRModule.forRoot({ classic: { disconnectTimeout: 6_000 } })],
      providers: [ChatHub],
    }).compile();
    app =
      platform === 'express'
        ? testing.createNestApplication(new ExpressAdapter())
        : testing.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
    app.useLogger(false);
    // It never listens.
    await app.init();
  });

  afterAll(() => app.close());

  describe.each(['core', 'classic'] as const)('of the %s family', (protocol) => {
    const connect = (options: object = {}): Promise<CoreTestClient<ChatHub> | ClassicTestClient<ChatHub>> =>
      createTestClient(app, ChatHub, { protocol, ...options });

    test('call, are called, and remember everything', async () => {
      const [ann, bob] = [await connect(), await connect()];
      const heard: string[] = [];
      bob.on('hear', (name, text) => heard.push(`${name}: ${text}`));
      expect(await ann.invoke('send', 'Ann', 'hello')).toBe('sent');
      expect(await ann.server.send('Ann', 'again')).toBe('sent');
      expect(await bob.waitFor('hear', (_name: string, text: string) => text === 'again')).toEqual([
        'Ann',
        'again',
      ]);
      expect(await bob.waitFor('hear', (name: string) => name === 'Ann')).toEqual(['Ann', 'hello']);
      expect(heard.filter((line) => line.startsWith('Ann'))).toEqual(['Ann: hello', 'Ann: again']);
      expect(ann.received).toContainEqual({ method: 'hear', args: ['server', 'welcome'] });
      await ann.close();
      await bob.close();
    });

    test('are who the test says', async () => {
      const client = await connect({ user: { sub: 'ann' }, query: { room: 'a&b' } });
      expect(await client.invoke('who')).toEqual({
        user: { sub: 'ann' },
        connectionId: client.connectionId,
        protocol,
        room: 'a&b',
      });
      await client.close();
    });

    test('fail as real clients do', async () => {
      const client = await connect();
      const error = await client.invoke('fail').catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(HubCallError);
      expect(error).toMatchObject(
        protocol === 'core'
          ? { message: `An unexpected error occurred invoking 'fail' on the server. HubException: no way` }
          : { message: 'no way', data: { code: 7 } },
      );
      await client.close();
      await expect(client.invoke('who')).rejects.toThrow('The connection has ended.');
    });

    test('are refused by guards', async () => {
      const refused = connect({ headers: { 'x-banned': '1' } });
      await expect(refused).rejects.toBeInstanceOf(ConnectionRefusedError);
      await expect(refused).rejects.toMatchObject({ status: 401 });
    });

    test('say goodbye, or are dropped', async () => {
      const [polite, lost] = [await connect(), await connect()];
      await polite.invoke('who');
      await lost.invoke('who');
      await polite.close();
      expect(await endOf(polite)).toContain(' true');
      await lost.drop();
      expect(await lost.closed).toMatchObject({ error: undefined });
    });

    test('learn that the server has ended them', async () => {
      const client = await connect();
      await client.invoke('kick').catch(() => undefined);
      expect(await client.closed).toMatchObject({ allowReconnect: false });
    });

    test('may be closed again, whoever has ended them', async () => {
      const [closed, dropped, kicked] = [await connect(), await connect(), await connect()];
      await closed.close();
      await closed.close();
      await dropped.drop();
      await dropped.drop();
      await dropped.close();
      await kicked.invoke('kick').catch(() => undefined);
      await kicked.closed;
      await expect(kicked.close()).resolves.toBeUndefined();
    });

    test('fail the test when a handler fails', async () => {
      const [sync, async] = [await connect(), await connect()];
      sync.on('hear', (name) => {
        expect(name).toBe('nobody');
      });
      async.on('hear', async (name) => {
        await Promise.resolve();
        expect(name).toBe('nobody');
      });
      await sync.invoke('send', 'Ann', 'hello');
      await async.waitFor('hear', (name) => name === 'Ann');
      await expect(sync.close()).rejects.toThrow(`expected 'Ann' to be 'nobody'`);
      await expect(async.drop()).rejects.toThrow(`to be 'nobody'`);
    });

    test('handlers can be removed', async () => {
      const client = await connect();
      const heard: string[] = [];
      const handler = (_name: string, text: string): void => void heard.push(text);
      client.on('hear', handler);
      await client.invoke('send', 'Ann', 'one');
      await client.waitFor('hear', (_name, text) => text === 'one');
      client.off('hear', handler);
      await client.invoke('send', 'Ann', 'two');
      await client.waitFor('hear', (_name, text) => text === 'two');
      expect(heard.at(-1)).toBe('one');
      await client.close();
    });

    test('do not wait for what cannot come any more', async () => {
      const client = await connect();
      await client.waitFor('hear');
      const waiting = client.waitFor('hear', (name) => name === 'Ann');
      const outcome = waiting.catch((error: unknown) => error);
      await client.close();
      expect(await outcome).toEqual(
        new Error('a call of hear did not come before the connection ended; received: hear'),
      );
      await expect(client.waitFor('ask')).rejects.toThrow('before the connection ended');
      expect(client.received).toEqual([{ method: 'hear', args: ['server', 'welcome'] }]);
    });

    test('wait no longer than they are told to', async () => {
      const client = await connect();
      await client.waitFor('hear');
      await expect(client.waitFor('hear', undefined, { timeout: 20 })).rejects.toThrow(
        'a call of hear did not come within 20 ms; received: hear',
      );
      await client.close();
    });
  });

  test('a Core client streams in both directions and answers questions', async () => {
    const client = await createTestClient(app, ChatHub);
    const items: number[] = [];
    for await (const item of client.stream('countdown', 3)) {
      items.push(item);
    }
    expect(items).toEqual([3, 2, 1]);
    for await (const item of client.stream('countdown', 1_000_000)) {
      expect(item).toBe(1_000_000);
      break;
    }
    await expect(client.stream('who').next()).rejects.toThrow('non-streaming');
    const numbers = (async function* () {
      yield* [1, 2, 3];
    })();
    expect(await client.invoke('sum', numbers)).toBe(6);
    expect(await client.invoke('sum', from([1, 2, 4]) as never)).toBe(7);
    const subject = new Subject<number>();
    const sum = client.invoke('sum', subject);
    subject.next(3);
    subject.next(5);
    subject.complete();
    expect(await sum).toBe(8);
    const broken = client.invoke(
      'sum',
      throwError(() => new Error('torn')),
    );
    await expect(broken).rejects.toBeInstanceOf(HubCallError);
    await expect(client.invoke('askBack', 'hi')).rejects.toThrow(`Client didn't provide a result.`);
    client.on('ask', (question) => Promise.resolve(question.toUpperCase()));
    expect(await client.invoke('askBack', 'hi')).toBe('you said HI');
    await client.close();
  });

  test('the hub learns at once that a Core client was dropped', async () => {
    const client = await createTestClient(app, ChatHub);
    await client.invoke('who');
    await client.drop();
    expect(await endOf(client)).toContain(' false');
  });

  test('a Core client stops sending a stream when it has gone', async () => {
    const client = await createTestClient(app, ChatHub);
    const released = deferred();
    const endless = (async function* () {
      try {
        for (;;) {
          yield 1;
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        released.resolve();
      }
    })();
    const sum = client.invoke('sum', endless);
    const outcome = sum.catch((error: unknown) => error);
    await client.drop();
    expect(await outcome).toEqual(new HubCallError('The connection has ended.'));
    await released.promise;
  });

  test('a Core client answers with the error of a handler', async () => {
    const client = await createTestClient(app, ChatHub);
    client.on('ask', () => {
      throw new Error('no idea');
    });
    await expect(client.invoke('askBack', 'hi')).rejects.toThrow('no idea');
    await client.close();
  });

  test('a Core client whose onConnected fails is told', async () => {
    const client = await createTestClient(app, ChatHub, { query: { fail: '1' } });
    expect(await client.closed).toEqual({
      error: 'Connection closed with an error. HubException: not today',
      allowReconnect: false,
    });
  });

  test('a classic client has state and progress', async () => {
    const client = await createTestClient(app, ChatHub, { protocol: 'classic' });
    client.state.seen = 4;
    await client.invoke('remember');
    expect(client.state).toEqual({ seen: 5 });
    expect(await client.invoke('count', 3)).toBe(3);
    expect(client.progress).toEqual([1, 2, 3]);
    await client.close();
    await expect(
      createTestClient(app, ChatHub, { protocol: 'classic', query: { fail: '1' } }),
    ).rejects.toMatchObject({ status: 500 });
  });
});

describe('an application', () => {
  test('loses a dropped classic client when the time of the test is up', async () => {
    const clock = new FakeClock();
    const { app, close } = await startApp({ hubs: [ChatHub], signalr: { clock } });
    const client = await createTestClient(app, ChatHub, { protocol: 'classic' });
    await client.drop();
    await clock.advance(30_000);
    expect(ends.pending).not.toContain(`${client.connectionId} false`);
    await clock.advance(10_000);
    expect(await endOf(client)).toContain(' false');
    await close();
  });

  test('may be one with TLS', async () => {
    const testing = await Test.createTestingModule({
      imports: [SignalRModule.forRoot()],
      providers: [ChatHub],
    }).compile();
    const app = testing.createNestApplication(new ExpressAdapter(), { httpsOptions: {} });
    await app.init();
    for (const protocol of ['core', 'classic'] as const) {
      const client = await createTestClient(app, ChatHub, { protocol });
      expect(await client.invoke('send', 'Ann', 'hello')).toBe('sent');
      await client.close();
    }
    await app.close();
  });

  test.each(['core', 'classic'] as const)(
    'tells a %s client that is connecting when it ends',
    async (protocol) => {
      const backplane = new FaultyBackplane();
      const { app, close } = await startApp({
        hubs: [ChatHub],
        signalr: { backplane, shutdownTimeout: 10 },
      });
      const subscribed = deferred();
      backplane.subscribe = () => {
        subscribed.resolve();
        return new Promise(() => {});
      };
      const connecting = createTestClient(app, ChatHub, { protocol }).then((client) => client.invoke('who'));
      const outcome = connecting.catch((error: unknown) => error);
      await subscribed.promise;
      await close();
      expect(await outcome).toEqual(new HubCallError('The connection has ended.'));
    },
  );

  test('may serve hubs under any path', async () => {
    const { app, close } = await startApp({
      hubs: [ChatHub],
      signalr: { path: '/live', useGlobalPrefix: true },
      configure: (configured) => configured.setGlobalPrefix('v1'),
    });
    for (const protocol of ['core', 'classic'] as const) {
      const client = await createTestClient(app, ChatHub, { protocol });
      expect(await client.invoke('send', 'Ann', 'hello')).toBe('sent');
      await client.close();
    }
    await close();
  });

  test('has to be initialised, and to have the hub', async () => {
    const testing = await Test.createTestingModule({
      imports: [SignalRModule.forRoot()],
      providers: [ChatHub],
    }).compile();
    const app = testing.createNestApplication(new ExpressAdapter());
    await expect(createTestClient(app, ChatHub)).rejects.toMatchObject({ code: 'SIGNALR_NOT_STARTED' });
    await app.init();
    @Hub()
    class OtherHub extends SignalRHub {}
    await expect(createTestClient(app, OtherHub)).rejects.toMatchObject({ code: 'SIGNALR_HUB_UNKNOWN' });
    await app.close();
    await expect(createTestClient(app, ChatHub)).rejects.toMatchObject({ status: 503 });
  });
});
