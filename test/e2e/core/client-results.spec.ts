import { Injectable } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type ClientResult,
  Hub,
  HubMethod,
  HubPipelineModule,
  type HubOutgoingContext,
  type IHubContext,
  InjectHubContext,
  SignalRHub,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { type CoreFrame, RawCoreClient } from '../../support/core-client.js';
import { coreTransports } from '../../support/core-lines.js';
import { FakeClock } from '../../support/fake-clock.js';
import { Inbox } from '../../support/inbox.js';

interface AskedClient {
  getName(greeting: string): Promise<string>;
  count(): number;
}

const early = new Inbox<string>();

@Hub('asking')
class AskingHub extends SignalRHub<AskedClient> {
  override async onConnected(): Promise<void> {
    if (this.context.queryString.get('early') !== undefined) {
      await this.clients.caller
        .invoke('getName', 'too early')
        .catch((error: Error) => early.put(error.message));
    }
  }

  @HubMethod()
  async askCaller(greeting: string): Promise<string> {
    return `caller is ${await this.clients.caller.invoke('getName', greeting)}`;
  }

  @HubMethod()
  async askClient(connectionId: string): Promise<unknown> {
    return this.clients.client(connectionId).invoke<unknown>('getName', 'hello');
  }

  @HubMethod()
  async askGroup(group: string): Promise<readonly ClientResult<number>[]> {
    return this.clients.group(group).invokeAll('count', [], { deadline: 1_000 });
  }

  @HubMethod()
  async join(group: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
  }

  @HubMethod()
  id(): string {
    return this.context.connectionId;
  }

  @HubMethod()
  ping(): void {}
}

@Injectable()
class Asker {
  constructor(@InjectHubContext(AskingHub) readonly hub: IHubContext<AskingHub>) {}
}

/** Sees calls to clients, and drops those that it is told to. */
class Watcher extends HubPipelineModule {
  readonly seen: string[] = [];
  dropped: string | undefined;

  override onBeforeOutgoing(call: HubOutgoingContext): boolean {
    this.seen.push(call.method);
    return call.method !== this.dropped;
  }
}

const runs = platforms.flatMap((platform) =>
  coreTransports.map((transport) => [platform, transport] as const),
);

describe.each(runs)('results of clients on %s over %s', (platform, transport) => {
  const clock = new FakeClock();
  const watcher = new Watcher();
  let app: TestApp;
  let client: RawCoreClient;
  let hub: IHubContext<AskingHub>;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [AskingHub],
      providers: [Asker],
      signalr: { clock, pipeline: [watcher], clientResultTimeout: 5_000 },
    });
    hub = app.app.get(Asker).hub;
    client = await connect();
  });

  beforeEach(() => {
    early.clear();
  });

  afterAll(async () => {
    client.close();
    await app.close();
  });

  const connect = (query = ''): Promise<RawCoreClient> =>
    RawCoreClient.connect(`${app.url}/signalr/asking`, {}, query, transport);

  const idOf = async (of: RawCoreClient): Promise<string> => (await of.invoke('id')).result as string;

  const question = async (to: RawCoreClient, target = 'getName'): Promise<CoreFrame> => {
    const message = await to.next('a question');
    expect(message).toMatchObject({ type: 1, target, invocationId: expect.stringMatching(/^s\d+$/) });
    return message;
  };

  const answer = async (to: RawCoreClient, reply: object, target?: string): Promise<void> => {
    const { invocationId } = await question(to, target);
    to.send({ type: 3, invocationId, ...reply });
  };

  const completion = async (id: string, to = client): Promise<CoreFrame> => {
    for (;;) {
      const message = await to.next(`the completion of ${id}`);
      if (message.type === 3 && message.invocationId === id) {
        return message;
      }
    }
  };

  test('[core 145][core 146] a method asks its caller, and holds nobody up', async () => {
    client.send(
      { type: 1, invocationId: 'a', target: 'askCaller', arguments: ['hi'] },
      { type: 1, invocationId: 'b', target: 'askCaller', arguments: ['ho'] },
    );
    const first = await question(client);
    const second = await question(client);
    expect([first.arguments, second.arguments]).toEqual([['hi'], ['ho']]);
    client.send({ type: 3, invocationId: second.invocationId, result: 'Bob' });
    expect(await completion('b')).toMatchObject({ result: 'caller is Bob' });
    client.send({ type: 3, invocationId: first.invocationId, result: 'Ann' });
    expect(await completion('a')).toMatchObject({ result: 'caller is Ann' });
  });

  test('services ask any client', async () => {
    const asked = hub.clients.client(await idOf(client)).invoke('getName', 'from outside');
    await answer(client, { result: 'Cid' });
    expect(await asked).toBe('Cid');
    expect(watcher.seen).toContain('getName');
  });

  test('a result may be nothing', async () => {
    const asked = hub.clients.client(await idOf(client)).invoke<unknown>('getName', '');
    await answer(client, { result: null });
    expect(await asked).toBeNull();
  });

  test('[core 149] a client that fails, and one that says neither', async () => {
    const id = await idOf(client);
    const failed = hub.clients
      .client(id)
      .invoke('getName', '')
      .catch((error: Error) => error);
    await answer(client, { error: `Client didn't provide a result.` });
    expect(await failed).toMatchObject({ name: 'Error', message: `Client didn't provide a result.` });
    const empty = hub.clients
      .client(id)
      .invoke('getName', '')
      .catch((error: Error) => error);
    await answer(client, {});
    expect(await empty).toMatchObject({ message: `Exception of type 'HubException' was thrown.` });
    client.send({ type: 1, invocationId: 'x', target: 'askCaller', arguments: [''] });
    await answer(client, { error: 'not now' });
    expect(await completion('x')).toMatchObject({
      error: `An unexpected error occurred invoking 'askCaller' on the server. HubException: not now`,
    });
  });

  test('[core 150] a client that is not there, or goes', async () => {
    await expect(hub.clients.client('abc').invoke('getName', '')).rejects.toMatchObject({
      code: 'SIGNALR_CONNECTION_UNKNOWN',
      message: `Connection 'abc' does not exist.`,
    });
    const other = await connect();
    const id = await idOf(other);
    const asked = hub.clients
      .client(id)
      .invoke('getName', '')
      .catch((error: Error) => error);
    await question(other);
    other.send({ type: 7 });
    expect(await asked).toMatchObject({
      code: 'SIGNALR_CONNECTION_LOST',
      message: `Connection '${id}' disconnected.`,
    });
    other.close();
  });

  test('[core 147][core 148] only the client that was asked may answer', async () => {
    const other = await connect();
    const asked = hub.clients.client(await idOf(client)).invoke('getName', '');
    const { invocationId } = await question(client);
    other.send(
      { type: 3, invocationId: 's999999', result: 'nobody' },
      { type: 1, invocationId: '1', target: 'ping', arguments: [] },
    );
    expect(await completion('1', other)).toMatchObject({ result: null });
    other.send({ type: 3, invocationId, result: 'stolen' });
    expect(await other.next()).toEqual({
      type: 7,
      error: 'Connection closed with an error.',
      allowReconnect: true,
    });
    await other.line.ended;
    client.send({ type: 3, invocationId, result: 'mine' });
    expect(await asked).toBe('mine');
    other.close();
  });

  test('[core 151] not while the client is being greeted', async () => {
    const other = await connect('early=1');
    expect(await early.next('the error')).toBe(
      'Client results inside OnConnectedAsync Hub methods are not allowed.',
    );
    other.close();
  });

  test('a client that does not answer is not waited for without end', async () => {
    const id = await idOf(client);
    const asked = hub.clients
      .client(id)
      .invoke('getName', '')
      .catch((error: Error) => error);
    const { invocationId } = await question(client);
    await clock.advance(5_000);
    expect(await asked).toMatchObject({
      code: 'SIGNALR_CLIENT_SILENT',
      message: `Connection '${id}' has not answered 'getName' in time.`,
    });
    client.send({ type: 3, invocationId, result: 'late' });
    await client.settle();
  });

  test('a pipeline module may drop the question', async () => {
    watcher.dropped = 'count';
    expect(await hub.clients.client(await idOf(client)).invoke('count')).toBeUndefined();
    watcher.dropped = undefined;
    await client.settle();
  });

  test('what cannot be sent fails the question', async () => {
    const asked = hub.clients.client(await idOf(client)).invoke('getName', 1n as never);
    await expect(asked).rejects.toMatchObject({ code: 'SIGNALR_UNSERIALIZABLE' });
  });

  test('gathering from many: who answers, who fails, who is silent, who cannot', async () => {
    const [good, bad, silent] = [await connect(), await connect(), await connect()];
    const classic = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['asking'] });
    for (const member of [good, bad, silent]) {
      await member.invoke('join', 'all');
    }
    await classic.invoke('asking', 'join', 'all');
    const gathered = hub.clients.group('all', await idOf(client)).invokeAll('count', [], { deadline: 1_000 });
    await answer(good, { result: 1 }, 'count');
    await answer(bad, { error: 'no idea' }, 'count');
    await question(silent, 'count');
    await Promise.all([good.settle(), bad.settle()]);
    await clock.advance(1_000);
    const results = await gathered;
    const of = async (member: RawCoreClient): Promise<unknown> => {
      const id = await idOf(member);
      const result = results.find(({ connectionId }) => connectionId === id);
      return result?.status === 'rejected' ? result.reason.message : result?.value;
    };
    expect(results).toHaveLength(4);
    expect([await of(good), await of(bad)]).toEqual([1, 'no idea']);
    expect(await of(silent)).toContain(`has not answered 'count' in time`);
    expect(
      results
        .filter((result) => result.status === 'rejected')
        .map(({ reason }) => (reason as { code?: string }).code),
    ).toContain('SIGNALR_CLIENT_MUTE');
    for (const member of [good, bad, silent]) {
      member.close();
    }
    await classic.abort();
  });

  test('each client is asked once, however it was selected; nobody is no error', async () => {
    const id = await idOf(client);
    const gathered = hub.clients.clients([id, id, 'nobody']).invokeAll('count', []);
    await answer(client, { result: 3 }, 'count');
    expect(await gathered).toEqual([{ connectionId: id, status: 'fulfilled', value: 3 }]);
    expect(await hub.clients.group('nobody').invokeAll('count', [])).toEqual([]);
    await client.settle();
  });

  test('a classic client gets the call and gives no result', async () => {
    const classic = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['asking'] });
    const id = ((await classic.invoke('asking', 'id')) as { R: string }).R;
    expect(await hub.clients.client(id).invoke('getName', 'classic')).toBeUndefined();
    expect(await classic.nextCall()).toMatchObject({ H: 'asking', M: 'getName', A: ['classic'] });
    await classic.abort();
  });

  test('nothing of this was worth an error in the log', () => {
    expect(app.logged.filter((line) => !/sent as JSON|not now/.test(line))).toEqual([]);
  });
});
