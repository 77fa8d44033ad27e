import { connect as connectTcp } from 'node:net';

import { afterEach, describe, expect, test } from 'vitest';
import {
  type ConnectionContext,
  ConnectionHandler,
  SignalRConnectionHandler,
  type SignalRModuleOptions,
  SignalRService,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawCoreClient } from '../../support/core-client.js';
import { coreTransports, openLine } from '../../support/core-lines.js';
import { FakeClock } from '../../support/fake-clock.js';
import { http, refusedUpgrade } from '../../support/http.js';
import { HttpStream } from '../../support/http-stream.js';
import { deferred, Inbox } from '../../support/inbox.js';
import { LineBreaker } from '../../support/line-breaker.js';
import { RawWebSocket } from '../../support/web-socket.js';
import { EchoHandler, gates, happenings, next, SmallHandler } from './handlers.js';

const GONE = { status: 404, body: 'No Connection with that ID' };

/** How far it has come with sending, in pieces. */
const progress = new Inbox<number>();

const PIECE = 'x'.repeat(50_000);

/** Sends without end to who waits for it, and no more than is taken. */
@ConnectionHandler('/flood')
class FloodHandler extends SignalRConnectionHandler {
  override onConnected(connection: ConnectionContext): void {
    void this.flood(connection);
  }

  override onReceived(): void {}

  override onDisconnected(connection: ConnectionContext, error?: Error): void {
    happenings.put({ what: 'disconnected', connection, error, aborted: connection.aborted.aborted });
  }

  private async flood(connection: ConnectionContext): Promise<void> {
    for (let sent = 1; !connection.aborted.aborted; sent++) {
      await connection.send(PIECE);
      progress.put(sent);
    }
    progress.put(-1);
  }
}

describe.each(platforms)('limits of connection handlers on %s', (platform) => {
  let clock: FakeClock;
  let app: TestApp;
  /** What may be in the log of a test. */
  let expected: string[];
  const opened: string[] = [];

  async function start(signalr: SignalRModuleOptions = {}): Promise<void> {
    clock = new FakeClock();
    expected = [];
    app = await startApp({
      platform,
      hubs: [],
      providers: [EchoHandler, SmallHandler, FloodHandler],
      signalr: { clock, authenticate: ({ headers }) => headers['x-user'], ...signalr },
    });
  }

  afterEach(async () => {
    gates.forEach((gate) => gate.resolve());
    gates.clear();
    // Nobody comes for the last words of those that poll.
    await Promise.all(opened.splice(0).map((url) => http('DELETE', url)));
    await app.close();
    happenings.clear();
    progress.clear();
    expect(app.logged.filter((line) => !expected.some((text) => line.includes(text)))).toEqual([]);
  });

  async function negotiated(path: string): Promise<{ id: string; url: string }> {
    const { connectionId, connectionToken } = await RawCoreClient.negotiate(app.url + path);
    const url = `${app.url}${path}?id=${connectionToken}`;
    opened.push(url);
    return { id: connectionId, url };
  }

  test('a POST is answered when the handler has read enough of it', async () => {
    await start();
    gates.set('busy', deferred());
    const lines = new LineBreaker(app);
    const { id, url } = await negotiated('/small');
    await http('GET', url);
    await http('POST', url, { body: 'wait:busy' });
    await next('received', id);
    let answered = false;
    const posting = http('POST', url, { body: '0123456789'.repeat(10) }).then((answer) => {
      answered = true;
      return answer;
    });
    await lines.untilHolds(url.slice(app.url.length));
    const witness = await negotiated('/small');
    await http('GET', witness.url);
    await http('POST', witness.url, { body: 'x' });
    expect((await http('GET', witness.url)).body).toBe('x');
    expect(answered).toBe(false);
    gates.get('busy')?.resolve();
    expect((await posting).status).toBe(200);
    expect((await http('GET', url)).body).toHaveLength(100);
  });

  test('a POST that waits for room learns that the connection has ended', async () => {
    await start();
    gates.set('busy', deferred());
    const lines = new LineBreaker(app);
    const { id, url } = await negotiated('/small');
    await http('GET', url);
    await http('POST', url, { body: 'wait:busy' });
    const { connection } = await next('received', id);
    const posting = http('POST', url, { body: 'x'.repeat(200_000) });
    await lines.untilHolds(url.slice(app.url.length));
    connection.close();
    expect(await posting).toMatchObject({ status: 404, body: '' });
  });

  test('a socket is not read while its handler is busy', async () => {
    await start();
    gates.set('busy', deferred());
    const socket = await RawWebSocket.open(`${app.wsUrl}/small`);
    socket.send('wait:busy');
    const { connection } = await next('received');
    const count = 20_000;
    for (let sent = 0; sent < count; sent++) {
      socket.send('y'.repeat(900));
    }
    const witness = await RawWebSocket.open(`${app.wsUrl}/small`);
    witness.send('x');
    expect(await witness.nextText()).toBe('x');
    // All of it would have been taken long since if anybody read it.
    expect(socket.socket.bufferedAmount).toBeGreaterThan(0);
    connection.close();
    gates.get('busy')?.resolve();
    witness.close();
    expect((await socket.closed).code).toBe(1000);
  });

  test('a message that is too large closes its socket, and the handler is told why', async () => {
    await start();
    const socket = await RawWebSocket.open(`${app.wsUrl}/small`);
    socket.send('x'.repeat(1_001));
    expect((await socket.closed).code).toBe(1009);
    expect((await next('disconnected')).error?.message).toContain('Max payload size exceeded');
  });

  test('who sends more than a client takes is not kept waiting if he does not wait, and cut off', async () => {
    await start();
    expected = ['does not read: more than the outbox holds'];
    const { id, url } = await negotiated('/small');
    await http('GET', url);
    const { connection } = await next('connected', id);
    for (let sent = 0; sent <= 10; sent++) {
      void connection.send('x'.repeat(100));
    }
    expect(connection.aborted.aborted).toBe(true);
    await next('disconnected', id);
    expect(await http('GET', url)).toMatchObject({ status: 404 });
    expect(app.logged).toHaveLength(1);
  });

  test.each(['WebSockets', 'ServerSentEvents'] as const)(
    'who waits for his clients sends no more than they take, until they are given up, over %s',
    async (transport) => {
      await start();
      const { id, url } = await negotiated('/flood');
      const deaf = connectTcp(Number(new URL(url).port), '127.0.0.1');
      deaf.on('error', () => undefined);
      const kind =
        transport === 'WebSockets'
          ? 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
          : 'Accept: text/event-stream';
      deaf.write(`GET ${url.slice(app.url.length)} HTTP/1.1\r\nHost: x\r\n${kind}\r\n\r\n`);
      await new Promise((resolve) => deaf.once('data', resolve));
      deaf.pause();
      await progress.nextWhere('the first piece', (sent) => sent === 1);
      await clock.advance(12_000);
      expect((await next('disconnected', id)).error).toBeUndefined();
      await progress.nextWhere('the end', (sent) => sent === -1);
      deaf.destroy();
    },
  );

  test('a client that nobody hears of any more is given up', async () => {
    await start();
    const unused = await negotiated('/echo');
    const polling = await negotiated('/echo');
    await http('GET', polling.url);
    await next('connected', polling.id);
    await clock.advance(17_000);
    await next('disconnected', polling.id);
    for (const { url } of [unused, polling]) {
      expect(await http('GET', url)).toMatchObject(GONE);
    }
  });

  test('a poll that nothing comes to is answered after 90 s', async () => {
    await start();
    const lines = new LineBreaker(app);
    const { url } = await negotiated('/echo');
    await http('GET', url);
    const poll = http('GET', `${url}&held`);
    await lines.untilHolds('&held');
    await clock.advance(91_000);
    expect(await poll).toMatchObject({ status: 200, body: '' });
  });

  test('what a client has left behind is heard for as long as closing may take', async () => {
    await start();
    gates.set('slow', deferred());
    const { id, url } = await negotiated('/echo');
    await http('GET', url);
    await http('POST', url, { body: 'wait:slow' });
    const { connection } = await next('received', id);
    await http('POST', url, { body: 'too late' });
    await http('DELETE', url);
    expect(connection.aborted.aborted).toBe(false);
    await clock.advance(6_000);
    expect(connection.aborted.aborted).toBe(true);
    gates.get('slow')?.resolve();
    await next('disconnected', id);
    expect(happenings.pending).toEqual([]);
  });

  test('connections are counted with those of hubs', async () => {
    await start({ limits: { maxConnections: 2, maxConnectionsPerUser: 1 } });
    const service = app.app.get(SignalRService);
    const headers = { 'x-user': 'ann' };
    const first = await RawWebSocket.open(`${app.wsUrl}/echo`, headers);
    await next('connected');
    expect((await refusedUpgrade(`${app.url}/echo`, headers)).status).toBe(429);
    const second = await RawWebSocket.open(`${app.wsUrl}/echo`);
    await next('connected');
    expect(service.connectionCount).toBe(2);
    expect((await refusedUpgrade(`${app.url}/echo`)).status).toBe(503);
    first.close();
    await next('disconnected');
    const third = await RawWebSocket.open(`${app.wsUrl}/echo`, headers);
    second.close();
    third.close();
  });

  test('a connection ends with its authentication, if that is asked for', async () => {
    await start({
      core: { closeOnAuthenticationExpiration: true },
      authenticationExpiry: () => performance.timeOrigin + clock.now() + 60_000,
    });
    const socket = await RawWebSocket.open(`${app.wsUrl}/echo`);
    const { connection } = await next('connected');
    await clock.advance(58_000);
    expect(connection.aborted.aborted).toBe(false);
    await clock.advance(4_000);
    expect((await socket.closed).code).toBe(1000);
    await next('disconnected');
  });

  test('a client may bring a new token, if that is asked for', async () => {
    await start({ core: { enableAuthenticationRefresh: true } });
    const headers = { 'x-user': 'ann' };
    const { connectionId, connectionToken } = await RawCoreClient.negotiate(
      `${app.url}/echo`,
      'negotiateVersion=1',
      headers,
    );
    const line = await openLine('WebSockets', `${app.url}/echo?id=${connectionToken}`, headers);
    await next('connected', connectionId);
    const refresh = `${app.url}/echo/refresh?id=${connectionToken}`;
    expect((await http('POST', refresh, { headers })).status).toBe(200);
    expect((await http('POST', refresh, { headers: { 'x-user': 'bob' } })).status).toBe(403);
    line.close();
  });

  describe('when the server goes', () => {
    test.each(coreTransports)('handlers are told, then the line is closed, over %s', async (transport) => {
      await start();
      const { id, url } = await negotiated('/echo');
      const line = await openLine(transport, url);
      const { connection } = await next('connected', id);
      const drained = app.app.get(SignalRService).drain();
      expect(await drained).toBe(true);
      expect(connection.aborted.aborted).toBe(true);
      expect((await next('disconnected', id)).error).toBeUndefined();
      await line.ended;
      expect((await http('POST', `${app.url}/echo/negotiate`)).status).toBe(503);
      expect((await refusedUpgrade(`${app.url}/echo`)).status).toBe(503);
    });

    test('a socket is told to go away', async () => {
      await start();
      const socket = await RawWebSocket.open(`${app.wsUrl}/echo`);
      await next('connected');
      await app.app.get(SignalRService).drain();
      expect((await socket.closed).code).toBe(1001);
    });

    test('what the handler is doing is done first', async () => {
      await start();
      gates.set('work', deferred());
      const socket = await RawWebSocket.open(`${app.wsUrl}/echo`);
      socket.send('wait:work');
      const { connection } = await next('received');
      const drained = app.app.get(SignalRService).drain({ deadline: 60_000 });
      const stream = await HttpStream.open('GET', `${app.url}/echo?id=x`);
      await stream.ended;
      expect(connection.aborted.aborted).toBe(false);
      gates.get('work')?.resolve();
      await next('handled');
      expect(await drained).toBe(true);
      await next('disconnected');
    });

    test('a handler that never returns holds nothing up beyond the deadline', async () => {
      await start();
      gates.set('for ever', deferred());
      const socket = await RawWebSocket.open(`${app.wsUrl}/echo`);
      socket.send('wait:for ever');
      await next('received');
      const drained = app.app.get(SignalRService).drain({ deadline: 3_000 });
      await clock.advance(3_100);
      expect(await drained).toBe(false);
      expect((await socket.closed).code).toBe(1001);
    });
  });
});
