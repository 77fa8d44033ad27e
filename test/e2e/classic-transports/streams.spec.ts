import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { FakeClock } from '../../support/fake-clock.js';
import { http } from '../../support/http.js';
import { HttpStream } from '../../support/http-stream.js';
import { ChatHub, hubEvents, nextEvent } from '../classic/hubs.js';

describe.each(platforms)('classic streams on %s', (platform) => {
  const clock = new FakeClock();
  let app: TestApp;
  let base: string;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [ChatHub], signalr: { clock } });
    base = `${app.url}/signalr`;
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  const negotiate = (): Promise<RawClassicClient> => RawClassicClient.negotiate(base, { hubs: ['ChatHub'] });

  function url(
    client: RawClassicClient,
    operation: string,
    transport = 'serverSentEvents',
    extra = '',
  ): string {
    return `${base}/${operation}?${client.query(extra).replace('webSockets', transport)}`;
  }

  const open = (client: RawClassicClient, operation = 'connect', extra = ''): Promise<HttpStream> =>
    HttpStream.open('GET', url(client, operation, 'serverSentEvents', extra));

  const send = (client: RawClassicClient, message: string): ReturnType<typeof http> =>
    http('POST', url(client, 'send'), { body: `data=${encodeURIComponent(message)}` });

  /** Connects and starts; the greeting of the hub has arrived. */
  async function started(): Promise<{ client: RawClassicClient; stream: HttpStream }> {
    const client = await negotiate();
    const stream = await open(client);
    await stream.contains('"S":1');
    await http('GET', url(client, 'start'));
    await stream.contains('welcome');
    return { client, stream };
  }

  const abort = (client: RawClassicClient): ReturnType<typeof http> =>
    http('POST', url(client, 'abort'), { body: '' });

  test('[classic 89] [classic 90] [classic 95] an event stream begins with its prologue and the init message', async () => {
    const client = await negotiate();
    const stream = await open(client);
    expect(stream.headers['content-type']).toBe('text/event-stream');
    expect(stream.headers).not.toHaveProperty('content-length');
    expect(stream.headers).not.toHaveProperty('content-encoding');
    await stream.contains('"S":1');
    expect(stream.body).toMatch(/^data: initialized\n\ndata: \{"C":"d-[^"]+","S":1,"M":\[\]\}\n\n$/);
    await abort(client);
  });

  test('[classic 91] a reconnect has the prologue and no init message', async () => {
    const { client, stream } = await started();
    stream.destroy();
    const again = await open(client, 'reconnect');
    await nextEvent('reconnected', client.connectionId);
    await send(client, '{"H":"chathub","M":"broadcast","A":["x"],"I":0}');
    await again.contains('"x"');
    expect(again.body.startsWith('data: initialized\n\n')).toBe(true);
    expect(again.body).not.toContain('"S"');
    await abort(client);
  });

  test('[classic 92] a keep-alive', async () => {
    const { client, stream } = await started();
    const before = stream.body;
    await clock.advance(10_000);
    await stream.contains('data: {}\n\n');
    expect(stream.body).toBe(`${before}data: {}\n\n`);
    await abort(client);
  });

  test('[classic 93] [classic 94] one event per envelope, at once', async () => {
    const { client, stream } = await started();
    const before = stream.body.length;
    await send(client, '{"H":"chathub","M":"broadcast","A":["line\\nbreak"],"I":0}');
    await stream.contains('break');
    expect(stream.body.slice(before)).toMatch(/^data: \{"C":"[^"]+","M":\[[^\n]*\]\}\n\n$/);
    await abort(client);
  });

  test('[classic 96] [classic 124] [classic 125] results come with the send, whatever its content type', async () => {
    const { client, stream } = await started();
    const before = stream.body;
    const message = '{"H":"chathub","M":"echo","A":["+&%=ü👋"],"I":5}';
    for (const headers of [
      {},
      { 'Content-Type': 'application/x-www-form-urlencoded; charset=UTF-8' },
      { 'Content-Type': 'text/plain' },
    ]) {
      const answer = await http('POST', url(client, 'send'), {
        headers: headers as Record<string, string>,
        body: `data=${encodeURIComponent(message)}`,
      });
      expect([answer.status, answer.headers['content-type'], answer.body]).toEqual([
        200,
        'application/json; charset=UTF-8',
        '{"R":"+&%=ü👋","I":"5"}',
      ]);
    }
    expect(stream.body).toBe(before);
    await abort(client);
  });

  test('[classic 126] what a send carries arrives as it was', async () => {
    const { client } = await started();
    const text = 'a+b & c=%20 "quoted" \u{1F600} é';
    const { body } = await send(client, JSON.stringify({ H: 'chathub', M: 'echo', A: [text], I: 1 }));
    expect(JSON.parse(body)).toEqual({ R: text, I: '1' });
    await abort(client);
  });

  test.each([
    ['an unknown hub', '{"H":"nohub","M":"x","A":[],"I":0}'],
    ['no JSON', '{'],
    [
      'too much state',
      JSON.stringify({ H: 'chathub', M: 'echo', A: [1], I: 0, S: { x: 'y'.repeat(4_100) } }),
    ],
    ['nothing', ''],
  ])('[classic 128] a send of %s fails', async (_, message) => {
    const { client } = await started();
    const answer = await send(client, message);
    expect([answer.status, answer.body]).toEqual([500, '']);
    await abort(client);
  });

  test('a body that is larger than may be is refused', async () => {
    const { client } = await started();
    const answer = await http('POST', url(client, 'send'), { body: `data=${'x'.repeat(1_200_000)}` });
    expect([answer.status, answer.body]).toEqual([413, '']);
    await abort(client);
  });

  test('[classic 97] abort ends the stream', async () => {
    const { client, stream } = await started();
    await abort(client);
    await stream.ended;
    expect(await nextEvent('disconnected', client.connectionId)).toMatchObject({ detail: true });
  });

  test('[classic 98] abort after the line was broken still counts', async () => {
    const { client, stream } = await started();
    stream.destroy();
    await stream.ended;
    await abort(client);
    expect(await nextEvent('disconnected', client.connectionId)).toMatchObject({ detail: true });
  });

  test('[classic 99] a broken line alone is a disconnect when time is up', async () => {
    const { client, stream } = await started();
    stream.destroy();
    await stream.ended;
    // The server has seen it once another stream has come and gone.
    const witness = await started();
    await abort(witness.client);
    await clock.advance(30_000);
    expect(hubEvents.pending).not.toContainEqual(
      expect.objectContaining({ event: 'disconnected', connectionId: client.connectionId }),
    );
    await clock.advance(10_000);
    expect(await nextEvent('disconnected', client.connectionId)).toMatchObject({ detail: false });
  });

  test('[classic 100] a second connect takes over', async () => {
    const { client, stream } = await started();
    await nextEvent('connected', client.connectionId);
    const second = await open(client);
    await stream.ended;
    await second.contains('"S":1');
    expect(hubEvents.pending).not.toContainEqual(
      expect.objectContaining({ event: 'connected', connectionId: client.connectionId }),
    );
    await abort(client);
  });

  test('[classic 101] [classic 104] [classic 105] a forever frame', async () => {
    const client = await negotiate();
    const stream = await HttpStream.open('GET', url(client, 'connect', 'foreverFrame', 'frameId=007'));
    expect(stream.headers['content-type']).toBe('text/html; charset=UTF-8');
    await stream.contains('"S":1');
    expect(stream.body).toMatch(/^<!DOCTYPE html>\r\n<html>\r\n<head>\r\n/);
    expect(stream.body.split(`getConnection('7')`)).toHaveLength(2);
    expect(stream.body).toMatch(/<body>\r\n<script>r\(c, \{"C":"d-[^"]+","S":1,"M":\[\]\}\);<\/script>\r\n$/);
    await clock.advance(10_000);
    await stream.contains('<script>r(c, {});</script>\n\n');
    await abort(client);
  });

  test.each(['', 'frameId=-1', 'frameId=1,000', 'frameId=abc', 'frameId=4294967296'])(
    '[classic 102] a forever frame with %o',
    async (frameId) => {
      const client = await negotiate();
      const answer = await http('GET', url(client, 'connect', 'foreverFrame', frameId));
      expect([answer.status, answer.body]).toEqual([500, '']);
    },
  );

  test('[classic 103] markup in a message cannot leave the script', async () => {
    const client = await negotiate();
    const stream = await HttpStream.open('GET', url(client, 'connect', 'foreverFrame', 'frameId=1'));
    await send(client, '{"H":"chathub","M":"broadcast","A":["</script>"],"I":0}');
    await stream.contains('\\u003c/script\\u003e');
    expect(stream.body.split('</script>')).toHaveLength(stream.body.split('<script>').length);
    await abort(client);
  });

  test('[classic 127] data in the query is for polling clients', async () => {
    const { client } = await started();
    const data = `data=${encodeURIComponent('{"H":"chathub","M":"echo","A":[1],"I":0}')}`;
    expect((await http('POST', url(client, 'send', 'serverSentEvents', data), { body: '' })).status).toBe(
      500,
    );
    expect((await http('POST', url(client, 'send', 'longPolling', data), { body: '' })).body).toBe(
      '{"R":1,"I":"0"}',
    );
    await abort(client);
  });
});
