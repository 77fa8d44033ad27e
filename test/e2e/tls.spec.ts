import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import * as signalR from '@microsoft/signalr';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { getHubContextToken, type IHubContext } from 'nestjs-signalr';
import { generate } from 'selfsigned';

import { type Certificate, platforms, startApp, type TestApp } from '../support/app.js';
import { RawClassicClient } from '../support/classic-client.js';
import { coreTransports } from '../support/core-lines.js';
import { Inbox } from '../support/inbox.js';
import { TalkHub } from '../support/talk-hub.js';

/** Far more than the buffers of the operating system take from us. */
const MESSAGES = 200;
const FILLING = 'x'.repeat(100_000);

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

  async function connectClassic(): Promise<RawClassicClient> {
    const client = await RawClassicClient.negotiate(`${app.url}/signalr`, { hubs: ['talkHub'] });
    await client.openSocket('connect');
    expect(await client.nextFrame('the greeting')).toMatchObject({ S: 1 });
    expect((await client.request('start')).status).toBe(200);
    return client;
  }

  test('classic clients call and are called', async () => {
    const client = await connectClassic();
    expect(await client.invoke('talkhub', 'add', 2, 3)).toMatchObject({ R: 5 });
    await talk.clients.all.hear('from outside');
    expect(await client.nextCall()).toMatchObject({ A: ['from outside'] });
    client.socket.close();
    await client.socket.closed;
  });

  test('a client that stops reading for a while gets everything, in order', async () => {
    const client = await connectClassic();
    const { socket } = client.socket;
    socket.pause();
    for (let number = 0; number < MESSAGES; number++) {
      await talk.clients.all.hear(number, FILLING);
      // A turn of its own for each, so that they are written one by one for as long as the socket takes them.
      await new Promise(setImmediate);
    }
    socket.resume();
    const numbers: unknown[] = [];
    while (numbers.length < MESSAGES) {
      const { A: args } = await client.nextCall('what was sent meanwhile');
      numbers.push(args[0]);
    }
    expect(numbers).toEqual(Array.from({ length: MESSAGES }, (_, number) => number));
    client.socket.close();
    await client.socket.closed;
  });
});
