import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { classicTransports, TransportClient } from '../../support/classic-transports.js';
import { FakeClock } from '../../support/fake-clock.js';
import { http } from '../../support/http.js';
import { HttpStream } from '../../support/http-stream.js';
import { ChatHub, hubEvents, nextEvent } from '../classic/hubs.js';

describe.each(platforms)('old classic clients on %s', (platform) => {
  const clock = new FakeClock();
  let app: TestApp;
  let base: string;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [ChatHub], signalr: { clock, classic: { keepAlive: null } } });
    base = `${app.url}/signalr`;
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  test.each(classicTransports)(
    '[classic 213] over %s onConnected comes with connect, before the init message',
    async (transport) => {
      for (const clientProtocol of [undefined, '1.2', '1.3']) {
        const raw = await RawClassicClient.negotiate(base, { hubs: ['ChatHub'], clientProtocol });
        const client = new TransportClient(raw, transport);
        await client.connect();
        // It has happened by the time the init message is here, and what the hub sent came before it or with it.
        expect(hubEvents.pending).toContainEqual(
          expect.objectContaining({ event: 'connected', connectionId: client.connectionId }),
        );
        await nextEvent('connected', client.connectionId);
        await client.end();
        await nextEvent('disconnected', client.connectionId);
        expect(hubEvents.pending).not.toContainEqual(
          expect.objectContaining({ event: 'connected', connectionId: client.connectionId }),
        );
      }
    },
  );

  test('[classic 215] a Java client negotiates with a version and connects without', async () => {
    const data = `connectionData=${encodeURIComponent('[{"name":"chathub"}]')}`;
    const negotiated = await http('GET', `${base}/negotiate?clientProtocol=1.3&${data}`);
    const answer = JSON.parse(negotiated.body) as Record<string, string>;
    expect(answer).toMatchObject({ ProtocolVersion: '1.3' });
    const query = `connectionToken=${encodeURIComponent(answer['ConnectionToken'] ?? '')}&${data}&connectionId=ignored`;
    const stream = await HttpStream.open('GET', `${base}/connect?transport=serverSentEvents&${query}`);
    await stream.contains('"S":1');
    expect(await nextEvent('connected', answer['ConnectionId'])).toMatchObject({
      detail: 'serverSentEvents',
    });
    await http('POST', `${base}/abort?transport=serverSentEvents&${query}`, { body: '' });
    await stream.ended;
  });

  test('[classic 203] without keep-alives none is sent, and lines end after the connection time-out', async () => {
    const clients = await Promise.all(
      classicTransports
        .filter((transport) => transport !== 'longPolling')
        .map(async (transport) => {
          const client = new TransportClient(
            await RawClassicClient.negotiate(base, { hubs: ['ChatHub'] }),
            transport,
          );
          await client.connect();
          return client;
        }),
    );
    await clock.advance(112_000);
    for (const client of clients) {
      await client.lineEnded();
      expect(client.keepAlives).toBe(0);
      await client.reconnect();
      await nextEvent('reconnected', client.connectionId);
      await client.invoke('ChatHub', 'broadcast', `on over ${client.transport}`);
      await client.nextFrame(({ M = [] }) => M.some(({ A }) => A[0] === `on over ${client.transport}`));
    }
    await Promise.all(clients.map((client) => client.end()));
  });
});
