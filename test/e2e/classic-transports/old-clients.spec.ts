import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { type ClassicCall, RawClassicClient } from '../../support/classic-client.js';
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

  const hubsOf = (member: string): string =>
    `connectionData=${encodeURIComponent(JSON.stringify([{ [member]: 'chathub' }]))}`;

  const read = async (path: string, method = 'GET', body?: string): Promise<Record<string, unknown>> => {
    const answer = await http(method, `${base}/${path}`, body === undefined ? {} : { body });
    expect(answer.status).toBe(200);
    return (answer.body === '' ? {} : JSON.parse(answer.body.trim())) as Record<string, unknown>;
  };

  /** What a client of a generation says of itself, and where (signalr-2 §2.3, §10, appendix B). */
  const generations = [
    { client: 'JavaScript 1.2', version: undefined, everywhere: false, start: false },
    { client: 'JavaScript 2.0', version: '1.3', everywhere: false, start: false },
    { client: 'JavaScript 2.1', version: '1.4', everywhere: true, start: true },
  ];

  test.each(generations)(
    'the requests of $client over long polling: all by GET, with everything in the query',
    async ({ version, everywhere, start }) => {
      const data = hubsOf('name');
      const protocol = version === undefined ? '' : `clientProtocol=${version}&`;
      const negotiated = await read(`negotiate?${protocol}${data}&_=1700000000000`);
      expect(negotiated['ProtocolVersion']).toBe(version ?? '1.2');
      const id = negotiated['ConnectionId'] as string;
      expect(await read(`ping?${data}`)).toEqual({ Response: 'pong' });

      const token = `connectionToken=${encodeURIComponent(negotiated['ConnectionToken'] as string)}`;
      const common = `${everywhere ? protocol : ''}transport=longPolling&${token}&${data}`;
      const connected = await read(`connect?${common}&tid=1&_=2`);
      expect(connected).toMatchObject({ S: 1 });
      // What the hub has sent in onConnected came with the init message, or waits for the next poll.
      const calls = [...(connected['M'] as ClassicCall[])];
      let cursor = connected['C'] as string;
      const poll = async (operation: string, groups = ''): Promise<Record<string, unknown>> => {
        const resume = `messageId=${encodeURIComponent(cursor)}${groups}`;
        const answer = await read(`${operation}?${common}&${resume}&tid=7&_=3`);
        cursor = answer['C'] as string;
        return answer;
      };
      const started = start ? await read(`start?${common}`) : undefined;
      expect(started).toEqual(start ? { Response: 'started' } : undefined);
      while (calls.length === 0) {
        calls.push(...((await poll('poll'))['M'] as ClassicCall[]));
      }
      expect(calls).toEqual([{ H: 'ChatHub', M: 'welcome', A: ['in'] }]);
      await nextEvent('connected', id);

      const call = async (method: string, ...args: unknown[]): Promise<unknown> => {
        const invocation = JSON.stringify({ H: 'chathub', M: method, A: args, I: 0 });
        return read(`send?${common}`, 'POST', `data=${encodeURIComponent(invocation)}`);
      };
      expect(await call('Echo', 'hi')).toEqual({ R: 'hi', I: '0' });
      expect(await call('Join', 'room')).toEqual({ I: '0' });
      const joined = await poll('poll');
      const groups = `&groupsToken=${encodeURIComponent(joined['G'] as string)}`;
      expect(await call('ToGroup', 'room', 'while away')).toEqual({ I: '0' });
      expect((await poll('reconnect', groups))['M']).toEqual([
        { H: 'ChatHub', M: 'addMessage', A: ['while away'] },
      ]);
      await nextEvent('reconnected', id);
      await http('POST', `${base}/abort?${common}`, { body: '' });
      expect(await nextEvent('disconnected', id)).toMatchObject({ detail: true });
    },
  );

  test('a 1.x client over WebSockets: connected by the first frame, and again after it came back', async () => {
    const raw = await RawClassicClient.negotiate(base, { hubs: ['ChatHub'], clientProtocol: undefined });
    await raw.openSocket('connect');
    const first = await raw.nextFrame('the first frame');
    expect(first.C).toBeTruthy();
    await nextEvent('connected', raw.connectionId);
    const answer = await raw.invoke('chathub', 'echo', 1);
    // A result is told by having no M.
    expect(Object.keys(answer)).toEqual(['R', 'I']);
    raw.socket.destroy();
    await raw.socket.closed;
    await raw.openSocket('reconnect');
    await nextEvent('reconnected', raw.connectionId);
    await raw.invoke('chathub', 'broadcast', 'again');
    expect(await raw.nextCall()).toMatchObject({ A: ['again'] });
    await raw.abort();
    await nextEvent('disconnected', raw.connectionId);
  });

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
