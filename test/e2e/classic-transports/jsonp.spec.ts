import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { http } from '../../support/http.js';
import { HttpStream } from '../../support/http-stream.js';
import { FakeClock } from '../../support/fake-clock.js';
import { ChatHub } from '../classic/hubs.js';

describe.each(platforms)('JSONP on %s', (platform) => {
  const clock = new FakeClock();
  let off: TestApp;
  let on: TestApp;

  beforeAll(async () => {
    off = await startApp({ platform, hubs: [ChatHub] });
    on = await startApp({ platform, hubs: [ChatHub], signalr: { clock, classic: { enableJSONP: true } } });
  });

  afterAll(async () => {
    await Promise.all([off.close(), on.close()]);
    expect([...off.logged, ...on.logged]).toEqual([]);
  });

  test.each([
    '[classic 62] negotiate',
    ...['ping', 'start', 'poll', 'hubs'].map((name) => `[classic 63] ${name}`),
  ])('%s is refused while it is off', async (title) => {
    const operation = title.split(' ').at(-1);
    const answer = await http('GET', `${off.url}/signalr/${operation}?callback=cb&transport=longPolling`);
    expect([answer.status, answer.reason, answer.body]).toEqual([403, 'Forbidden: JSONP is disabled.', '']);
  });

  test.each([
    ['[classic 64]', 'cb'],
    ['[classic 66]', 'a.b$._c1'],
    ['unicode', encodeURIComponent('größe.ñ1')],
  ])('%s negotiate calls back: %s', async (_, callback) => {
    const answer = await http('GET', `${on.url}/signalr/negotiate?callback=${callback}`);
    expect(answer.headers['content-type']).toBe('application/javascript; charset=UTF-8');
    const name = decodeURIComponent(callback);
    expect(answer.body.startsWith(`${name}({"Url"`)).toBe(true);
    expect(answer.body.endsWith('});')).toBe(true);
  });

  test('[classic 65] ping calls back', async () => {
    const { body } = await http('GET', `${on.url}/signalr/ping?callback=cb`);
    expect(JSON.parse(/^cb\((.*)\);$/.exec(body)?.[1] ?? '')).toEqual({ Response: 'pong' });
  });

  test.each(['1x', 'a.', 'a..b', 'enum', 'bar.class.foo', 'a%3Balert(1)', '(x)', '%3Cx%3E', '%20'])(
    '[classic 67] %s is no callback, anywhere',
    async (callback) => {
      const client = await RawClassicClient.negotiate(`${on.url}/signalr`);
      for (const path of [
        `negotiate?callback=${callback}`,
        `ping?callback=${callback}`,
        `poll?callback=${callback}&${client.query().replace('webSockets', 'longPolling')}`,
        `send?callback=${callback}&${client.query().replace('webSockets', 'longPolling')}&data=x`,
      ]) {
        const answer = await http('GET', `${on.url}/signalr/${path}`);
        expect([answer.status, answer.body], path).toEqual([500, '']);
      }
    },
  );

  test('[classic 68] [classic 69] polls and sends call back, without blanks', async () => {
    const client = await RawClassicClient.negotiate(`${on.url}/signalr`, { hubs: ['ChatHub'] });
    const query = client.query('callback=cb').replace('webSockets', 'longPolling');
    const connected = await http('GET', `${on.url}/signalr/connect?${query}`);
    expect(connected.headers['content-type']).toBe('application/javascript; charset=UTF-8');
    const [, envelope = ''] = /^cb\((.*)\);$/.exec(connected.body) ?? [];
    const { C } = JSON.parse(envelope) as { C: string };
    const poll = await HttpStream.open(
      'GET',
      `${on.url}/signalr/poll?${query}&messageId=${encodeURIComponent(C)}`,
    );
    await clock.advance(20_000);
    const data = encodeURIComponent('{"H":"chathub","M":"broadcast","A":["hi"],"I":4}');
    const sent = await http('GET', `${on.url}/signalr/send?${query}&data=${data}`);
    expect([sent.body, sent.headers['content-type']]).toEqual([
      'cb({"I":"4"});',
      'application/javascript; charset=UTF-8',
    ]);
    expect(await poll.ended).toMatch(
      /^cb\(\{"C":"d-[^"]+","M":\[\{"H":"ChatHub","M":"addMessage","A":\["hi"\]\}\]\}\);$/,
    );
  });
});
