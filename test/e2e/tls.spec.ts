import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import * as signalR from '@microsoft/signalr';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { getHubContextToken, type IHubContext } from 'nestjs-signalr';
import { generate } from 'selfsigned';

import { type Certificate, platforms, startApp, type TestApp } from '../support/app.js';
import { coreTransports } from '../support/core-lines.js';
import { Inbox } from '../support/inbox.js';
import { TalkHub } from '../support/talk-hub.js';
import { RawWebSocket } from '../support/web-socket.js';

/** Far more than the buffers of the operating system take from us. */
const MESSAGES = 200;
const FILLING = 'x'.repeat(100_000);
const HUBS = encodeURIComponent('[{"name":"talkHub"}]');

let certificate: Certificate;
const { NODE_TLS_REJECT_UNAUTHORIZED: before } = process.env;

beforeAll(async () => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }]);
  certificate = { key, cert };
  // Nobody has signed it.
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
});

afterAll(() => {
  if (before === undefined) {
    delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  } else {
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  }
});

describe.each(platforms)('over TLS on %s', (platform) => {
  let app: TestApp;
  let talk: IHubContext<TalkHub>;
  let sockets: unknown[];
  let lines: Socket[];

  beforeEach(async () => {
    app = await startApp({
      platform,
      hubs: [TalkHub],
      tls: certificate,
      signalr: { outbox: { maxMessages: 2 * MESSAGES, maxBytes: 1e9 } },
    });
    talk = app.app.get<IHubContext<TalkHub>>(getHubContextToken(TalkHub), { strict: false });
    sockets = [];
    lines = [];
    const server = app.app.getHttpServer() as Server;
    server.on('connection', (line: Socket) => lines.push(line));
    server.on('upgrade', ({ socket }) => sockets.push(socket));
    server.on('request', (_, { socket }: ServerResponse) => sockets.push(socket));
  });

  afterEach(async () => {
    expect(sockets.length).toBeGreaterThan(0);
    expect(sockets.every((socket) => socket instanceof TLSSocket)).toBe(true);
    const closing = app.close();
    // The client opens lines ahead that it never uses; a server would wait until it gives them up.
    lines.forEach((line) => line.destroy());
    await closing;
    expect(app.logged).toEqual([]);
  });

  test.each(coreTransports)('@microsoft/signalr calls and is called over %s', async (transport) => {
    const connection = new signalR.HubConnectionBuilder()
      .withUrl(`${app.url}/signalr/talkHub`, { transport: signalR.HttpTransportType[transport] })
      .configureLogging(signalR.LogLevel.None)
      .build();
    const heard = new Inbox<unknown>();
    connection.on('hear', (...args: unknown[]) => heard.put(args));
    await connection.start();
    expect(await connection.invoke('add', 2, 3)).toBe(5);
    await talk.clients.all.hear('from outside');
    expect(await heard.next('a call')).toEqual(['from outside']);
    await connection.stop();
  });

  async function connectClassic(): Promise<RawWebSocket> {
    const answer = await fetch(`${app.url}/signalr/negotiate?clientProtocol=2.1&connectionData=${HUBS}`);
    const { ConnectionToken: token } = (await answer.json()) as { ConnectionToken: string };
    const query = `transport=webSockets&clientProtocol=2.1&connectionData=${HUBS}&connectionToken=${encodeURIComponent(token)}`;
    const socket = await RawWebSocket.open(`${app.wsUrl}/signalr/connect?${query}`);
    expect(await socket.nextText('the greeting')).toContain('"S":1');
    expect((await fetch(`${app.url}/signalr/start?${query}`)).status).toBe(200);
    return socket;
  }

  test('classic clients call and are called', async () => {
    const socket = await connectClassic();
    socket.send('{"H":"talkhub","M":"add","A":[2,3],"I":1}');
    expect(JSON.parse(await socket.nextText('the result'))).toMatchObject({ I: '1', R: 5 });
    await talk.clients.all.hear('from outside');
    expect(await socket.nextText('a call')).toContain('["from outside"]');
    socket.close();
    await socket.closed;
  });

  test('a client that stops reading for a while gets everything, in order', async () => {
    const socket = await connectClassic();
    socket.socket.pause();
    for (let number = 0; number < MESSAGES; number++) {
      await talk.clients.all.hear(number, FILLING);
      // A turn of its own for each, so that they are written one by one for as long as the socket takes them.
      await new Promise(setImmediate);
    }
    socket.socket.resume();
    const numbers: unknown[] = [];
    while (numbers.length < MESSAGES) {
      const { M: calls = [] } = JSON.parse(await socket.nextText('what was sent meanwhile')) as {
        M?: { A: unknown[] }[];
      };
      numbers.push(...calls.map(({ A: args }) => args[0]));
    }
    expect(numbers).toEqual(Array.from({ length: MESSAGES }, (_, number) => number));
    socket.close();
    await socket.closed;
  });
});
