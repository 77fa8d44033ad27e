import { randomUUID } from 'node:crypto';

import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  getHubContextToken,
  Hub,
  HubMethod,
  type IHubContext,
  InjectHubContext,
  IUserIdProvider,
  SignalRHub,
  SignalRModule,
} from 'nestjs-signalr';
import { type RedisBackplane, redisBackplane } from 'nestjs-signalr/redis';
import { createTestClient, type TestClient } from 'nestjs-signalr/testing';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { classicTransports, TransportClient } from '../../support/classic-transports.js';
import { RawCoreClient, RS } from '../../support/core-client.js';
import { Gate } from '../../support/gate.js';
import { http } from '../../support/http.js';
import { untilHealth } from '../../support/redis-farm.js';
import { RedisServer } from '../../support/redis-server.js';
import { missing } from '../../support/requirements.js';

@Hub('news')
class NewsHub extends SignalRHub {
  @HubMethod()
  async join(group: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
  }

  @HubMethod()
  async say(text: string): Promise<void> {
    await this.clients.all.news(text);
  }
}

class HeaderUser extends IUserIdProvider {
  override getUserId({ headers }: { headers: Record<string, unknown> }): string | undefined {
    return headers['x-user'] as string | undefined;
  }
}

@Injectable()
class Editor {
  constructor(@InjectHubContext(NewsHub) readonly context: IHubContext<NewsHub>) {}
}

/** A node of the application, with its own line to Redis. */
interface Node extends TestApp {
  readonly backplane: RedisBackplane;
  readonly gate: Gate;
  readonly news: IHubContext<NewsHub>;
}

/** The life of Redis that a node knows. */
const lifeOf = (backplane: RedisBackplane): string | undefined => backplane.tail().split('-')[0];

describe.skipIf(missing('redis')).each(platforms)('applications on %s with one Redis', (platform) => {
  let redis: RedisServer;
  let nodes: [Node, Node];
  const keyPrefix = randomUUID();

  async function start(): Promise<Node> {
    const gate = await Gate.before(redis.port);
    const backplane = redisBackplane({ url: gate.url, keyPrefix });
    const app = await startApp({
      platform,
      hubs: [NewsHub],
      signalr: { secret: 'shared', backplane },
      providers: [{ provide: IUserIdProvider, useClass: HeaderUser }],
    });
    const news = app.app.get<IHubContext<NewsHub>>(getHubContextToken(NewsHub), { strict: false });
    return { ...app, backplane, gate, news };
  }

  beforeAll(async () => {
    redis = await RedisServer.start();
    nodes = [await start(), await start()];
  });

  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    await Promise.all(nodes.map(({ gate }) => gate.dispose()));
    await redis.stop();
  });

  /** What was logged that a test does not expect. */
  function unexpected(): string[] {
    return nodes.flatMap(({ logged }) => logged.splice(0)).filter((line) => !line.includes('to Redis'));
  }

  beforeEach(() => {
    unexpected();
  });

  async function connect(transport: (typeof classicTransports)[number]): Promise<TransportClient> {
    const client = await RawClassicClient.negotiate(`${nodes[0].url}/signalr`, { hubs: ['news'] });
    const connected = new TransportClient(client, transport);
    await connected.connect();
    return connected;
  }

  const heard = (client: TestClient<NewsHub>, text: string): Promise<unknown> =>
    client.waitFor('news', (said: string) => said === text);

  const moveTo = ({ client }: TransportClient, { url }: Node): void => {
    Object.assign(client, { url: `${url}/signalr` });
  };

  test('a Core client that two nodes took as new, because one could not ask, does not wait for its greeting', async () => {
    const [cut, other] = nodes;
    const { connectionToken } = await RawCoreClient.negotiate(`${cut.url}/signalr/news`);
    const at = ({ url }: Node): string => `${url}/signalr/news?id=${connectionToken}`;
    cut.gate.close();
    await untilHealth(cut.backplane, 'degraded');
    expect((await http('GET', at(cut))).status).toBe(200);
    const poll = http('GET', at(cut));
    expect((await http('POST', at(other), { body: `{"protocol":"json","version":1}${RS}` })).status).toBe(
      200,
    );
    cut.gate.open();
    expect((await poll).status).toBe(204);
    expect(unexpected()).toEqual([]);
  });

  describe.each(classicTransports)('over %s', (transport) => {
    test('a classic client that returns to another node gets what it missed, once and in order', async () => {
      const [here, there] = nodes;
      const client = await connect(transport);
      await client.invoke('news', 'join', 'readers');
      await here.news.clients.all.news('0');
      await there.news.clients.group('readers').news('1');
      expect(await client.nextTexts(2)).toEqual(['0', '1']);
      await client.drop();
      await there.news.clients.all.news('2');
      await there.news.clients.group('readers').news('3');
      await there.news.clients.client(client.connectionId).news('4');
      moveTo(client, there);
      await client.reconnect();
      await there.news.clients.group('readers').news('5');
      expect(await client.nextTexts(4)).toEqual(['2', '3', '4', '5']);
      await client.end();
      expect(unexpected()).toEqual([]);
    });

    test('what its node had said without Redis it does not get twice', async () => {
      const [here, there] = nodes;
      const client = await connect(transport);
      here.gate.close();
      await untilHealth(here.backplane, 'degraded');
      await here.news.clients.all.news('seen');
      expect(await client.nextTexts(1)).toEqual(['seen']);
      await client.drop();
      await here.news.clients.all.news('missed');
      moveTo(client, there);
      await client.reconnect();
      await there.news.clients.all.news('live');
      expect(await client.nextTexts(1)).toEqual(['live']);
      here.gate.open();
      expect(await client.nextTexts(1)).toEqual(['missed']);
      await untilHealth(here.backplane, 'up');
      await client.end();
      expect(unexpected()).toEqual([]);
    });
  });

  test('without Redis clients stay, come and hear what their node says; with it they hear the rest', async () => {
    const [here, there] = nodes;
    const client = await createTestClient(here.app, NewsHub);
    here.gate.close();
    await untilHealth(here.backplane, 'degraded');
    const late = await createTestClient(here.app, NewsHub);
    await late.invoke('say', 'local');
    await there.news.clients.all.news('remote');
    await heard(client, 'local');
    await heard(late, 'local');
    here.gate.open();
    await heard(client, 'remote');
    await heard(late, 'remote');
    await Promise.all([client.close(), late.close()]);
    await untilHealth(here.backplane, 'up');
    expect(unexpected()).toEqual([]);
  });

  test('who comes without Redis is put into the groups of its user later', async () => {
    const [here, there] = nodes;
    await there.news.groups.addUser('ann', 'editors');
    here.gate.close();
    await untilHealth(here.backplane, 'degraded');
    const client = await createTestClient(here.app, NewsHub, { headers: { 'x-user': 'ann' } });
    here.gate.open();
    await expect.poll(() => there.news.connections.groupsOf(client.connectionId)).toEqual(['editors']);
    await there.news.clients.group('editors').news('for editors');
    expect(await heard(client, 'for editors')).toEqual(['for editors']);
    await there.news.groups.removeUser('ann', 'editors');
    await client.close();
    await untilHealth(here.backplane, 'up');
    expect(unexpected()).toEqual([]);
  });

  test('groups, connections and disconnects work across nodes', async () => {
    const [here, there] = nodes;
    const client = await createTestClient(here.app, NewsHub);
    await there.news.groups.add(client.connectionId, 'g');
    await there.news.clients.group('g').news('x');
    await heard(client, 'x');
    expect(await there.news.connections.groupsOf(client.connectionId)).toEqual(['g']);
    await there.news.connections.disconnect(client.connectionId, { reason: 'enough' });
    expect((await client.closed).error).toContain('enough');
    await expect.poll(() => there.news.connections.groupsOf(client.connectionId)).toEqual([]);
    expect(unexpected()).toEqual([]);
  });

  test('a worker without an HTTP server reaches clients', async () => {
    const client = await createTestClient(nodes[0].app, NewsHub);
    @Module({ providers: [Editor] })
    class EditorModule {}
    const backplane = redisBackplane({ url: redis.url, keyPrefix });
    @Module({ imports: [SignalRModule.forRoot({ backplane }), EditorModule] })
    class WorkerModule {}
    const worker = await NestFactory.createApplicationContext(WorkerModule, { logger: false });
    await worker.get(Editor, { strict: false }).context.clients.all.news('from a worker');
    expect(await heard(client, 'from a worker')).toEqual(['from a worker']);
    await worker.close();
    await client.close();
  });

  test('after Redis has lost everything all clients are told to begin anew', async () => {
    const core = await createTestClient(nodes[0].app, NewsHub);
    const classic = await connect('webSockets');
    await redis.kill();
    await untilHealth(nodes[0].backplane, 'degraded');
    await redis.restart();
    expect(await core.closed).toMatchObject({ allowReconnect: true });
    expect(await classic.nextFrame(({ E }) => E !== undefined)).toMatchObject({
      D: 1,
      E: 'Messages to this connection may have been lost.',
    });
    await Promise.all(nodes.map(({ backplane }) => untilHealth(backplane, 'up')));
    const fresh = await createTestClient(nodes[1].app, NewsHub);
    await nodes[0].news.clients.all.news('again');
    await heard(fresh, 'again');
    await fresh.close();
  });

  test.each(classicTransports)(
    'a classic client that returns over %s to a Redis without its past is told to begin anew',
    async (transport) => {
      const client = await connect(transport);
      await client.invoke('news', 'say', 'before');
      expect(await client.nextTexts(1)).toEqual(['before']);
      await client.drop();
      // Its node has gone, and so has all that Redis knew.
      await nodes[0].news.connections.disconnect(client.connectionId, { allowReconnect: true });
      await redis.command('FLUSHALL');
      await nodes[1].news.clients.all.news('lost');
      moveTo(client, nodes[1]);
      await client.reconnect();
      expect(await client.nextFrame(({ E }) => E !== undefined)).toMatchObject({
        D: 1,
        E: 'Messages to this connection may have been lost.',
      });
      await client.drop();
      // A server that notices later would send the clients of the next test away.
      await expect.poll(() => new Set(nodes.map(({ backplane }) => lifeOf(backplane))).size).toBe(1);
    },
  );
});
