import type { IncomingMessage, ServerResponse } from 'node:http';

import { All, Controller, Get, Module } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { HubConnectionBuilder, LogLevel } from '@microsoft/signalr';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';

import { type AppOptions, platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { classicTransports, TransportClient } from '../../support/classic-transports.js';
import { RawCoreClient, RS } from '../../support/core-client.js';
import { coreTransports, openLine } from '../../support/core-lines.js';
import { freePort } from '../../support/free-port.mjs';
import { http, refusedUpgrade } from '../../support/http.js';
import { Inbox } from '../../support/inbox.js';
import { RawWebSocket } from '../../support/web-socket.js';

const goodbyes = new Inbox<string>();
let servicesLive = true;

@Module({})
class ServicesModule {
  onApplicationShutdown(): void {
    servicesLive = false;
  }
}

@Hub()
class MountedHub extends SignalRHub {
  override onDisconnected(): void {
    goodbyes.put(`${this.context.protocol} while services ${servicesLive ? 'live' : 'are gone'}`);
  }

  @HubMethod()
  ping(): string {
    return 'pong';
  }
}

@Controller()
class WildcardController {
  @Get('*')
  page(): string {
    return 'the page';
  }

  @All('signalr/extra')
  extra(): string {
    return 'never';
  }
}

@WebSocketGateway({ path: '/gate' })
class Gate {
  @SubscribeMessage('hello')
  hello(): { event: string; data: string } {
    return { event: 'hello', data: 'gateway' };
  }
}

describe.each(platforms)('hubs in an application on %s', (platform) => {
  const apps: TestApp[] = [];

  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });

  async function start(options: Partial<AppOptions> = {}): Promise<TestApp> {
    const app = await startApp({ platform, hubs: [MountedHub], ...options });
    apps.push(app);
    return app;
  }

  test('wildcard routes do not hide hubs, and hubs hide nothing else', async () => {
    const { url } = await start({ controllers: [WildcardController] });
    expect((await http('GET', `${url}/signalr/negotiate`)).body).toContain('ConnectionToken');
    expect((await http('GET', `${url}/signalr/mountedHub`)).body).toBe('Connection ID required');
    expect((await http('GET', `${url}/anything`)).body).toBe('the page');
    expect((await http('GET', `${url}/signalrx`)).body).toBe('the page');
  });

  describe("with mount: 'server'", () => {
    const seen: string[] = [];
    const mounted = (): Promise<TestApp> =>
      start({
        controllers: [WildcardController],
        signalr: { mount: 'server', cors: { origins: ['https://app.example'] } },
        configure: (app) => {
          app.use(({ url = '' }: IncomingMessage, _: unknown, next: () => void) => {
            seen.push(url);
            next();
          });
        },
      });

    beforeEach(() => {
      seen.length = 0;
    });

    test.each(classicTransports)(
      'classic clients connect over %s, past all middleware',
      async (transport) => {
        const { url } = await mounted();
        const client = new TransportClient(
          await RawClassicClient.negotiate(`${url}/signalr`, { hubs: ['mountedHub'] }),
          transport,
        );
        await client.connect();
        expect(await client.invoke('mountedHub', 'ping')).toMatchObject({ R: 'pong' });
        await client.end();
        expect(seen).toEqual([]);
      },
    );

    test.each(coreTransports)('Core clients connect over %s, past all middleware', async (transport) => {
      const { url } = await mounted();
      const hub = `${url}/signalr/mountedHub`;
      const { connectionToken } = await RawCoreClient.negotiate(hub);
      const line = await openLine(transport, `${hub}?id=${connectionToken}`);
      line.send(
        `{"protocol":"json","version":1}${RS}{"type":1,"invocationId":"1","target":"ping","arguments":[]}${RS}`,
      );
      let text = '';
      while (!text.includes('pong')) {
        text += await line.nextText('the greeting and the answer');
      }
      line.close();
      await line.ended;
      expect(seen).toEqual([]);
    });

    test('everything else goes to the application, and CORS is that of the option', async () => {
      const { url } = await mounted();
      expect((await http('GET', `${url}/anything`)).body).toBe('the page');
      expect((await http('GET', `${url}/signalrx`)).body).toBe('the page');
      expect(seen).toEqual(['/anything', '/signalrx']);
      const headers = { Origin: 'https://app.example' };
      const answer = await http('POST', `${url}/signalr/mountedHub/negotiate?negotiateVersion=1`, {
        headers,
      });
      expect(answer.headers['access-control-allow-origin']).toBe('https://app.example');
    });
  });

  test('the global prefix is left out, unless it is asked for', async () => {
    const plain = await start({ configure: (app) => app.setGlobalPrefix('api') });
    expect((await http('GET', `${plain.url}/signalr/ping`)).status).toBe(200);
    const prefixed = await start({
      configure: (app) => app.setGlobalPrefix('api'),
      signalr: { useGlobalPrefix: true },
    });
    expect((await http('GET', `${prefixed.url}/signalr/ping`)).status).toBe(404);
    expect((await http('GET', `${prefixed.url}/api/signalr/ping`)).status).toBe(200);
    const client = await RawCoreClient.connect(`${prefixed.url}/api/signalr/mountedHub`);
    expect((await client.invoke('ping')).result).toBe('pong');
  });

  test('a hub may have a path of its own', async () => {
    class ElsewhereHub extends MountedHub {}
    Hub({ name: 'elsewhere', path: '/deep/down' })(ElsewhereHub);
    const { url } = await start({ hubs: [ElsewhereHub] });
    const client = await RawCoreClient.connect(`${url}/Deep/Down`);
    expect((await client.invoke('ping')).result).toBe('pong');
  });

  test('names need not be ASCII', async () => {
    class OddlyNamedHub extends MountedHub {}
    Hub('Größe')(OddlyNamedHub);
    const { url } = await start({ hubs: [OddlyNamedHub] });
    const client = await RawCoreClient.connect(encodeURI(`${url}/signalr/Größe`));
    expect((await client.invoke('ping')).result).toBe('pong');
    const classic = await RawClassicClient.connect(`${url}/signalr`, { hubs: ['Größe'] });
    expect((await classic.invoke('größe', 'ping')).R).toBe('pong');
    expect((await http('GET', `${url}/signalr/hubs`)).body).toContain('proxies["Größe"]');
  });

  test('the base path need not be ASCII', async () => {
    const { url } = await start({ signalr: { path: '/größe' } });
    const client = await RawCoreClient.connect(encodeURI(`${url}/größe/mountedHub`));
    expect((await client.invoke('ping')).result).toBe('pong');
    const base = encodeURI(`${url}/größe`);
    const classic = await RawClassicClient.connect(base, { hubs: ['mountedHub'] });
    expect((await classic.invoke('mountedHub', 'ping')).R).toBe('pong');
    const { body } = await http('GET', `${base}/negotiate?clientProtocol=1.5`);
    expect(JSON.parse(body)).toMatchObject({ Url: '/größe' });
    expect((await http('GET', `${base}/hubs`)).body).toContain('signalR.hub = $.hubConnection("/größe"');
  });

  test('no spelling of a path passes the middleware of Express that stands before it', async () => {
    const { url } = await start({
      platform: 'express',
      configure: (app) => {
        app.use('/signalr/mountedHub', (_: unknown, response: ServerResponse) => {
          response.statusCode = 401;
          response.end();
        });
      },
    });
    const refused = ['mountedHub', 'MOUNTEDHUB', 'mountedHub/'];
    const unknown = [
      '%6dountedHub',
      'mounted%48ub',
      'mountedHub%2f',
      'mountedHub%00',
      './mountedHub',
      '%2e/mountedHub',
    ];
    const statuses: number[] = [];
    for (const path of [...refused, ...unknown]) {
      statuses.push((await http('POST', `${url}/signalr/${path}/negotiate?negotiateVersion=1`)).status);
    }
    expect(statuses).toEqual([...refused.map(() => 401), ...unknown.map(() => 404)]);
  });

  test('either family can be refused', async () => {
    const onlyCore = await start({ signalr: { classic: false } });
    expect((await http('GET', `${onlyCore.url}/signalr/negotiate`)).status).toBe(404);
    expect((await http('POST', `${onlyCore.url}/signalr/mountedHub/negotiate`)).status).toBe(200);
    const onlyClassic = await start({ signalr: { core: false } });
    expect((await http('GET', `${onlyClassic.url}/signalr/negotiate`)).status).toBe(200);
    expect((await http('POST', `${onlyClassic.url}/signalr/mountedHub/negotiate`)).body).not.toContain(
      'availableTransports',
    );
  });

  test('an upgrade that nobody wants is answered', async () => {
    const { url } = await start();
    expect((await refusedUpgrade(`${url}/elsewhere`)).status).toBe(404);
  });

  test('a client that would like HTTP/2 is served without', async () => {
    const { url } = await start({ controllers: [WildcardController] });
    const headers = {
      Connection: 'Upgrade, HTTP2-Settings',
      Upgrade: 'h2c',
      'HTTP2-Settings': 'AAMAAABkAAQAAP__',
    };
    const page = await http('GET', `${url}/anything`, { headers });
    expect([page.status, page.body]).toEqual([200, 'the page']);
    expect((await http('GET', `${url}/signalr/ping`, { headers })).status).toBe(200);
  });

  test('gateways keep working beside hubs', async () => {
    const { url, wsUrl } = await start({
      providers: [Gate],
      configure: (app) => app.useWebSocketAdapter(new WsAdapter(app)),
    });
    const socket = await RawWebSocket.open(`${wsUrl}/gate`);
    socket.send('{"event":"hello","data":1}');
    expect(JSON.parse(await socket.nextText())).toEqual({ event: 'hello', data: 'gateway' });
    const client = await RawCoreClient.connect(`${url}/signalr/mountedHub`);
    expect((await client.invoke('ping')).result).toBe('pong');
    const classic = await RawClassicClient.connect(`${url}/signalr`, { hubs: ['MountedHub'] });
    expect((await classic.invoke('MountedHub', 'ping')).R).toBe('pong');
    await expect(RawWebSocket.open(`${wsUrl}/elsewhere`)).rejects.toThrow('socket hang up');
  });

  test('closing takes less than a second, and hubs say goodbye while services live', async () => {
    servicesLive = true;
    goodbyes.clear();
    const app = await start({ imports: [ServicesModule] });
    const core = await RawCoreClient.connect(`${app.url}/signalr/mountedHub`);
    const classic = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['MountedHub'] });
    const silent = await RawWebSocket.open(`${app.wsUrl}/signalr/mountedHub`);
    silent.socket.pause();
    const began = performance.now();
    await app.close();
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(await core.next()).toEqual({ type: 7, allowReconnect: true });
    expect(await core.socket.closed).toEqual({ code: 1000, reason: '' });
    expect((await classic.socket.closed).code).toBe(1000);
    const said = [await goodbyes.next('a goodbye'), await goodbyes.next('a goodbye')];
    expect(said.sort()).toEqual(['classic while services live', 'core while services live']);
    silent.destroy();
  });

  test('[core 179] [core 180] a client with automatic reconnect comes back after a restart, without an error', async () => {
    const port = await freePort();
    const first = await startApp({ platform, hubs: [MountedHub], port });
    const connection = new HubConnectionBuilder()
      .withUrl(`${first.url}/signalr/mountedHub`)
      .withAutomaticReconnect([0, 100, 200, 400, 800])
      .configureLogging(LogLevel.None)
      .build();
    await connection.start();
    const firstId = connection.connectionId;
    const reconnecting = new Promise<Error | undefined>((resolve) => connection.onreconnecting(resolve));
    const reconnected = new Promise<string | undefined>((resolve) => connection.onreconnected(resolve));
    await first.close();
    expect(await reconnecting).toBeUndefined();
    const second = await startApp({ platform, hubs: [MountedHub], port });
    apps.push(second);
    const secondId = await reconnected;
    expect(secondId).toMatch(/^[\w-]{22}$/);
    expect(secondId).not.toBe(firstId);
    expect(await connection.invoke('ping')).toBe('pong');
    await connection.stop();
  });
});
