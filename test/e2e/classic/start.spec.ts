import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hub, SignalRHub } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { http } from '../../support/http.js';
import { type Deferred, deferred } from '../../support/inbox.js';
import { ChatHub, hubEvents, nextEvent, OtherHub } from './hubs.js';

/** Whoever connects waits for the test. */
const gate: { entered: Deferred; open: Deferred } = {
  entered: deferred(),
  open: deferred(),
};

@Hub()
class SlowHub extends SignalRHub {
  override async onConnected(): Promise<void> {
    gate.entered.resolve();
    await gate.open.promise;
  }
}

@Hub()
class FailingHub extends SignalRHub {
  override onConnected(): void {
    throw new Error('no entry');
  }
}

describe.each(platforms)('classic ping and start on %s', (platform) => {
  let app: TestApp;
  let base: string;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [ChatHub, OtherHub, SlowHub, FailingHub] });
    base = `${app.url}/signalr`;
  });

  afterAll(() => app.close());

  test('[classic 54] ping needs nothing', async () => {
    const answer = await http('GET', `${base}/ping`);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=UTF-8');
    expect(JSON.parse(answer.body)).toEqual({ Response: 'pong' });
  });

  test('[classic 55] ping takes anything', async () => {
    const answer = await http('GET', `${base}/ping?_=123&custom=x%20y`);
    expect(JSON.parse(answer.body)).toEqual({ Response: 'pong' });
  });

  test('[classic 56] start answers', async () => {
    const client = await RawClassicClient.open(base, { hubs: ['ChatHub'] });
    const answer = await client.request('start');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=UTF-8');
    expect(JSON.parse(answer.body)).toEqual({ Response: 'started' });
    await client.abort();
  });

  test('[classic 57] start is answered after all hubs have greeted', async () => {
    gate.entered = deferred();
    gate.open = deferred();
    const client = await RawClassicClient.open(base, { hubs: ['ChatHub', 'SlowHub'] });
    let answered = false;
    const start = client.request('start').then((answer) => {
      answered = true;
      return answer;
    });
    await gate.entered.promise;
    await nextEvent('connected', client.connectionId);
    // Another whole exchange passes, and start still waits for the slow hub.
    await client.invoke('ChatHub', 'echo', 1);
    expect(answered).toBe(false);
    gate.open.resolve();
    expect((await start).status).toBe(200);
    await client.abort();
  });

  test('[classic 59] only start raises onConnected', async () => {
    const client = await RawClassicClient.open(base, { hubs: ['ChatHub'] });
    await client.invoke('ChatHub', 'echo', 1);
    expect(hubEvents.pending).not.toContainEqual(
      expect.objectContaining({ event: 'connected', connectionId: client.connectionId }),
    );
    await client.request('start');
    expect(await nextEvent('connected', client.connectionId)).toMatchObject({ detail: 'webSockets' });
    await client.abort();
  });

  test('[classic 60] hubs that are not listed are not told', async () => {
    const client = await RawClassicClient.connect(base, { hubs: ['OtherHub'] });
    await nextEvent('other connected', client.connectionId);
    expect(hubEvents.pending).not.toContainEqual(
      expect.objectContaining({ event: 'connected', connectionId: client.connectionId }),
    );
    await client.abort();
  });

  test('[classic 61] a call to the caller in onConnected arrives', async () => {
    const client = await RawClassicClient.connect(base, { hubs: ['ChatHub'] });
    expect(await client.nextCall()).toEqual({ H: 'ChatHub', M: 'welcome', A: ['in'] });
    await client.abort();
  });

  test('a hub that throws makes start fail, and the log says why', async () => {
    const client = await RawClassicClient.open(base, { hubs: ['FailingHub'] });
    const answer = await client.request('start');
    expect([answer.status, answer.body]).toEqual([500, '']);
    expect(app.logged.join('\n')).toContain('no entry');
    await client.abort();
  });
});
