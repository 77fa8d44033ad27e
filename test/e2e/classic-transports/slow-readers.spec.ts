import { connect as connectSocket, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getHubContextToken, type IHubContext } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { classicTransports, TransportClient } from '../../support/classic-transports.js';
import { FakeClock } from '../../support/fake-clock.js';
import { Inbox } from '../../support/inbox.js';
import { ChatHub } from '../classic/hubs.js';

const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

/** Connects, reads the init message and nothing more. */
async function stall(url: string, headers: readonly string[]): Promise<{ socket: Socket; cursor: string }> {
  const { hostname, port, host, pathname, search } = new URL(url);
  const socket = connectSocket(Number(port), hostname).setEncoding('latin1');
  const chunks = new Inbox<string>();
  socket.on('data', (chunk: string) => chunks.put(chunk));
  socket.on('error', () => undefined);
  socket.write([`GET ${pathname}${search} HTTP/1.1`, `Host: ${host}`, ...headers, '', ''].join('\r\n'));
  for (let text = ''; ; text += await chunks.next('the init message')) {
    const [, cursor] = /"C":"([^"]+)","S":1,"M":\[\]\}/.exec(text) ?? [];
    if (cursor !== undefined) {
      socket.pause();
      return { socket, cursor };
    }
  }
}

describe.each(platforms)('classic clients that do not read on %s', (platform) => {
  const clock = new FakeClock();
  let app: TestApp;
  let chat: IHubContext<ChatHub>;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [ChatHub], signalr: { clock } });
    chat = app.app.get<IHubContext<ChatHub>>(getHubContextToken(ChatHub), { strict: false });
  });

  afterAll(() => app.close());

  const streams = classicTransports.filter((transport) => transport !== 'longPolling');

  test.each(streams)('over %s they lose the line, but no message', async (transport) => {
    const raw = await RawClassicClient.negotiate(`${app.url}/signalr`, { hubs: ['ChatHub'] });
    const query = raw.query('frameId=1').replace('webSockets', transport);
    const { socket, cursor } = await stall(
      `${raw.url}/connect?${query}`,
      transport === 'webSockets' ? UPGRADE : [],
    );
    let sent = 0;
    while (app.logged.length === 0 && sent < 500) {
      await chat.clients.all.addMessage(`${sent++}`, 'x'.repeat(200_000));
      await nextTurn();
    }
    expect(app.logged.splice(0)).toEqual([expect.stringContaining(`${raw.connectionId} does not read`)]);
    const client = new TransportClient(raw, transport);
    client.cursor = cursor;
    await client.reconnect();
    expect(await client.nextTexts(sent)).toEqual(Array.from({ length: sent }, (_, index) => `${index}`));
    await client.end();
    socket.destroy();
  });
});
