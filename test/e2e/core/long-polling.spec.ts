import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawCoreClient, RS } from '../../support/core-client.js';
import { FakeClock } from '../../support/fake-clock.js';
import { http, type RawAnswer } from '../../support/http.js';
import { HttpStream } from '../../support/http-stream.js';
import { deferred } from '../../support/inbox.js';
import { LineBreaker } from '../../support/line-breaker.js';
import { gates, hubEvents, nextEvent, PlainHub } from './hubs.js';

const HANDSHAKE = `{"protocol":"json","version":1}${RS}`;
const NOT_CACHED = {
  'cache-control': 'no-cache, no-store',
  pragma: 'no-cache',
  expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
};
const GONE = [404, 'No Connection with that ID'];

const brief = ({ status, body }: RawAnswer): unknown[] => [status, body];

describe.each(platforms)('core long polling on %s', (platform) => {
  const clock = new FakeClock();
  const clients: Poller[] = [];
  let app: TestApp;
  let hub: string;
  let lines: LineBreaker;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [PlainHub], signalr: { clock } });
    hub = `${app.url}/signalr/h`;
    lines = new LineBreaker(app);
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => http('DELETE', client.url)));
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  /** A polling client, every request by hand. */
  class Poller {
    private polls = 0;

    private constructor(
      readonly id: string,
      readonly url: string,
    ) {}

    static async negotiate(url = hub, query = 'negotiateVersion=1'): Promise<Poller> {
      const { connectionId, connectionToken = connectionId } = await RawCoreClient.negotiate(url, query);
      return new Poller(connectionId, `${url}?id=${connectionToken}`);
    }

    static async begin(extra = ''): Promise<Poller> {
      const poller = await Poller.negotiate();
      clients.push(poller);
      await http('GET', poller.url + extra);
      return poller;
    }

    /** Has shaken hands and taken the welcome. */
    static async greeted(): Promise<Poller> {
      const poller = await Poller.begin();
      await poller.post(HANDSHAKE);
      await nextEvent('connected', poller.id);
      for (let text = ''; !text.includes('welcome');) {
        text += (await poller.get()).body;
      }
      return poller;
    }

    get(): Promise<RawAnswer> {
      return http('GET', this.url);
    }

    /** A poll that the server is holding when this resolves. */
    async hold(): Promise<{ readonly answer: Promise<RawAnswer>; readonly drop: () => void }> {
      const mark = `&_=${this.id}${this.polls++}`;
      const dropped = new AbortController();
      const opened = HttpStream.open('GET', this.url + mark, { signal: dropped.signal });
      const answer = opened.then(async (stream) => {
        const body = await stream.ended;
        return { status: stream.status, reason: '', headers: stream.headers, body };
      });
      answer.catch(() => undefined);
      await lines.untilHolds(mark);
      return { answer, drop: () => dropped.abort() };
    }

    post(body: string | Buffer, headers: Record<string, string> = {}): Promise<RawAnswer> {
      return http('POST', this.url, { body, headers });
    }

    call(target: string, ...args: unknown[]): Promise<RawAnswer> {
      return this.post(JSON.stringify({ type: 1, invocationId: 'c', target, arguments: args }) + RS);
    }

    delete(): Promise<RawAnswer> {
      return http('DELETE', this.url);
    }
  }

  test('[core 75] the first poll is answered at once', async () => {
    const poller = await Poller.negotiate();
    const answer = await poller.get();
    expect(brief(answer)).toEqual([200, '']);
    expect(answer.headers).toMatchObject({
      ...NOT_CACHED,
      'content-type': 'application/octet-stream',
      'content-length': '0',
    });
    clients.push(poller);
  });

  test('[core 76] the second is held until there is something to say', async () => {
    const poller = await Poller.begin();
    const { answer } = await poller.hold();
    await poller.post(HANDSHAKE);
    const { status, headers, body } = await answer;
    expect([status, body.split(RS)[0]]).toEqual([200, '{}']);
    expect(headers).toMatchObject({
      ...NOT_CACHED,
      'content-type': 'application/octet-stream',
      'content-length': String(body.length),
    });
  });

  test('[core 77] a poll without news is answered after 90 s', async () => {
    const poller = await Poller.greeted();
    const { answer } = await poller.hold();
    await clock.advance(91_000);
    const { status, headers, body } = await answer;
    expect([status, body]).toEqual([200, '']);
    expect(headers).toMatchObject({ ...NOT_CACHED, 'content-type': 'text/plain', 'content-length': '0' });
    const next = await poller.hold();
    await poller.call('echo', 'on');
    expect((await next.answer).body).toContain('"result":"on"');
  });

  test('[core 78] a new poll ends the one that is held', async () => {
    const poller = await Poller.greeted();
    const old = await poller.hold();
    const young = await poller.hold();
    const replaced = await old.answer;
    expect(brief(replaced)).toEqual([204, '']);
    expect(replaced.headers).toMatchObject({ ...NOT_CACHED, 'content-type': 'text/plain' });
    await poller.call('echo', 'young');
    expect((await young.answer).body).toContain('"result":"young"');
  });

  test('[core 79] a client that drops its poll has 15 s to come back', async () => {
    const poller = await Poller.greeted();
    const first = await poller.hold();
    first.drop();
    await lines.untilFree(poller.id);
    await clock.advance(10_000);
    const second = await poller.hold();
    await poller.call('echo', 'back');
    expect((await second.answer).body).toContain('"result":"back"');
    expect(hubEvents.pending.filter(({ event }) => event === 'disconnected')).toEqual([]);
    const third = await poller.hold();
    third.drop();
    await lines.untilFree(poller.id);
    await clock.advance(16_000);
    const { detail, error } = await nextEvent('disconnected', poller.id);
    expect([detail, error]).toEqual([{ stopCalled: false, aborted: true }, undefined]);
    expect(brief(await poller.get())).toEqual(GONE);
  });

  test('[core 80] [core 91] DELETE while a poll is held', async () => {
    const poller = await Poller.greeted();
    const { answer } = await poller.hold();
    const deleted = await poller.delete();
    expect([deleted.status, deleted.headers['content-type'], deleted.body]).toEqual([202, 'text/plain', '']);
    expect(brief(await answer)).toEqual([200, `{"type":7,"allowReconnect":true}${RS}`]);
    expect((await nextEvent('disconnected', poller.id)).detail).toEqual({ stopCalled: true, aborted: true });
    expect(brief(await poller.get())).toEqual(GONE);
    expect(brief(await poller.post(`{"type":7}${RS}`))).toEqual(GONE);
    expect(brief(await poller.delete())).toEqual(GONE);
  });

  test('[core 80] DELETE before the handshake', async () => {
    const poller = await Poller.begin();
    const { answer } = await poller.hold();
    expect((await poller.delete()).status).toBe(202);
    expect(brief(await answer)).toEqual([204, '']);
    expect(brief(await poller.get())).toEqual(GONE);
  });

  test('[core 80] DELETE while no poll is held', async () => {
    const poller = await Poller.greeted();
    expect((await poller.delete()).status).toBe(202);
    expect(brief(await poller.get())).toEqual(GONE);
    expect((await nextEvent('disconnected', poller.id)).detail).toMatchObject({ stopCalled: true });
  });

  test('[core 81] DELETE before the first poll changes nothing', async () => {
    const poller = await Poller.negotiate();
    expect(brief(await poller.delete())).toEqual([
      400,
      'Cannot terminate this connection using the DELETE endpoint.',
    ]);
    expect((await poller.get()).status).toBe(200);
    clients.push(poller);
  });

  test('[core 82] [core 34] what is left when the hub ends the connection is collected', async () => {
    const poller = await Poller.greeted();
    await poller.call('echo', 'last');
    await poller.call('abort');
    await nextEvent('disconnected', poller.id);
    const last = await poller.get();
    expect(last.status).toBe(200);
    expect(last.body).toContain('"result":"last"');
    expect(last.body.endsWith(`{"type":7}${RS}`)).toBe(true);
    const end = await poller.get();
    expect(brief(end)).toEqual([204, '']);
    expect(end.headers).toMatchObject({ ...NOT_CACHED, 'content-type': 'text/plain' });
    for (const method of ['GET', 'POST', 'DELETE']) {
      expect(brief(await http(method, poller.url))).toEqual(GONE);
    }
  });

  test('what is left is not kept for ever', async () => {
    const poller = await Poller.greeted();
    await poller.call('abort');
    await nextEvent('disconnected', poller.id);
    await clock.advance(17_000);
    expect(brief(await poller.get())).toEqual(GONE);
  });

  test('[core 83] one poll returns all that came between two', async () => {
    const poller = await Poller.greeted();
    for (const text of ['one', 'two', 'three']) {
      await poller.call('echo', text);
    }
    const { body } = await poller.get();
    const results = body
      .split(RS)
      .slice(0, -1)
      .map((record) => (JSON.parse(record) as { result: string }).result);
    expect(results).toEqual(['one', 'two', 'three']);
  });

  test('[core 84] no pings, and no time-out of who does not ping', async () => {
    const poller = await Poller.greeted();
    const { answer } = await poller.hold();
    await clock.advance(61_000);
    await poller.call('echo', 'after');
    expect((await answer).body).toBe(`{"type":3,"invocationId":"c","result":"after"}${RS}`);
  });

  test('a polling client that has pinged is held to it', async () => {
    const poller = await Poller.greeted();
    await poller.post(`{"type":6}${RS}`);
    const { answer } = await poller.hold();
    await clock.advance(31_000);
    expect((await answer).body).toBe(
      `{"type":7,"error":"Connection closed with an error.","allowReconnect":true}${RS}`,
    );
    expect(brief(await poller.get())).toEqual([204, '']);
  });

  test('[core 85] [core 86] bodies of any content type are bytes', async () => {
    const types = [
      undefined,
      'text/plain;charset=UTF-8',
      'application/octet-stream',
      'application/json',
      'application/x-www-form-urlencoded',
    ];
    for (const type of types) {
      const poller = await Poller.begin();
      const answer = await poller.post(HANDSHAKE, type === undefined ? {} : { 'Content-Type': type });
      expect([answer.status, answer.headers['content-type'], answer.body]).toEqual([200, 'text/plain', '']);
      expect((await poller.get()).body).toContain(`{}${RS}`);
      await poller.post(
        Buffer.from(`{"type":1,"invocationId":"1","target":"echo","arguments":["a=b&c"]}${RS}`),
        type === undefined ? {} : { 'Content-Type': type },
      );
      let body = '';
      while (!body.includes('"result"')) {
        ({ body } = await poller.get());
      }
      expect(body).toContain('"result":"a=b&c"');
    }
  });

  test('[core 87] ten POSTs at the same time', async () => {
    const poller = await Poller.greeted();
    const numbers = Array.from({ length: 10 }, (_, number) => number);
    const answers = await Promise.all(
      numbers.map((number) => poller.call('echo', `${number}`.repeat(5_000))),
    );
    expect(answers.map(({ status }) => status)).toEqual(numbers.map(() => 200));
    let text = '';
    while (text.split(RS).length <= numbers.length) {
      text += (await poller.get()).body;
    }
    const results = text
      .split(RS)
      .slice(0, -1)
      .map((record) => (JSON.parse(record) as { result: string }).result);
    expect(results.sort()).toEqual(numbers.map((number) => `${number}`.repeat(5_000)));
  });

  test('[core 88] a POST larger than may wait is answered when the hub has taken it', async () => {
    gates.set('busy', deferred());
    const poller = await Poller.greeted();
    await poller.call('wait', 'busy');
    await nextEvent('waiting busy');
    const echo =
      JSON.stringify({ type: 1, invocationId: 'e', target: 'echo', arguments: ['x'.repeat(20_000)] }) + RS;
    let answered = false;
    const posting = poller.post(echo.repeat(10)).then((answer) => {
      answered = true;
      return answer;
    });
    await lines.untilHolds(poller.url.slice(app.url.length));
    const witness = await Poller.greeted();
    await witness.call('echo', 'others go on');
    expect((await witness.get()).body).toContain('others go on');
    expect(answered).toBe(false);
    gates.get('busy')?.resolve();
    expect((await posting).status).toBe(200);
    let text = '';
    while (text.split('"invocationId":"e"').length <= 10) {
      text += (await poller.get()).body;
    }
  });

  test('a POST that waits for room learns that the connection has ended', async () => {
    gates.set('stuck', deferred());
    const poller = await Poller.greeted();
    await poller.call('wait', 'stuck');
    await nextEvent('waiting stuck');
    // The next call finds no free slot, so nothing behind it is read.
    expect((await poller.call('ping')).status).toBe(200);
    const posting = poller.post(`${'x'.repeat(20_000)}${RS}`.repeat(10));
    await lines.untilHolds(poller.url.slice(app.url.length));
    await poller.delete();
    expect(brief(await posting)).toEqual([404, '']);
    gates.get('stuck')?.resolve();
  });

  test('[core 89] a number against caches in the query is nothing', async () => {
    const poller = await Poller.begin('&_=123');
    await poller.post(HANDSHAKE);
    expect((await http('GET', `${poller.url}&_=124`)).body).toContain(`{}${RS}`);
  });

  test('[core 26] the connection id of version 0 is the key, to polls too', async () => {
    const poller = await Poller.negotiate(hub, '');
    expect((await poller.get()).status).toBe(200);
    clients.push(poller);
  });

  test('hub code sees the first poll', async () => {
    const poller = await Poller.begin('&room=first');
    await poller.post(HANDSHAKE);
    expect((await http('GET', `${poller.url}&room=second`)).body).toContain(`{}${RS}`);
    await poller.call('query', 'room');
    let body = '';
    while (!body.includes('"type":3')) {
      ({ body } = await http('GET', `${poller.url}&room=third`));
    }
    expect(body).toContain('"result":"first"');
  });

  test('a client that only posts is forgotten', async () => {
    const poller = await Poller.negotiate();
    expect((await poller.post(HANDSHAKE)).status).toBe(200);
    await clock.advance(17_000);
    expect(brief(await poller.get())).toEqual(GONE);
    expect(hubEvents.pending.filter(({ connectionId }) => connectionId === poller.id)).toEqual([]);
  });

  test('nothing for 15 s is no handshake', async () => {
    const poller = await Poller.begin();
    const { answer } = await poller.hold();
    await clock.advance(16_000);
    expect(brief(await answer)).toEqual([200, `{"error":"Handshake was canceled."}${RS}`]);
    expect(brief(await poller.get())).toEqual([204, '']);
    expect(brief(await poller.get())).toEqual(GONE);
  });
});
