import vm from 'node:vm';

import { describe, expect, test } from 'vitest';
import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';

import { platforms, startApp } from '../../support/app.js';
import { http, type RawAnswer } from '../../support/http.js';
import { ChatHub, OtherHub } from './hubs.js';

@Hub('Given')
class NamedHub extends SignalRHub {
  @HubMethod('Shout')
  yell(text: string): string {
    return text;
  }

  @HubMethod()
  both(first: string, second = ''): string {
    return first + second;
  }

  @HubMethod('over')
  overTwo($: string, proxies: string): string {
    return $ + proxies;
  }

  @HubMethod('over')
  overNone(): string {
    return '';
  }
}

describe.each(platforms)('generated proxy on %s', (platform) => {
  test('[classic 204] the same script at four urls, in any case', async () => {
    const app = await startApp({ platform, hubs: [ChatHub, OtherHub, NamedHub] });
    const read = (path: string): Promise<RawAnswer> => http('GET', `${app.url}${path}`);
    const answers = await Promise.all(
      ['/signalr/hubs', '/signalr/js', '/signalr/hubs/', '/signalr/js/', '/SignalR/HUBS'].map(read),
    );
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toBe('application/javascript; charset=UTF-8');
      expect(answer.body).toBe(answers[0]?.body);
    }
    expect(() => new vm.Script(answers[0]?.body ?? '')).not.toThrow();
    expect((await http('POST', `${app.url}/signalr/sub/hubs`)).body).toContain(
      '$.hubConnection("/signalr/sub"',
    );
    await app.close();
    expect(app.logged).toEqual([]);
  });

  test('[classic 206] names: camel-cased, given ones untouched', async () => {
    const app = await startApp({ platform, hubs: [ChatHub, OtherHub, NamedHub] });
    const { body } = await http('GET', `${app.url}/signalr/hubs`);
    expect([...body.matchAll(/this\.createHubProxy\("(\w+)"\)/g)].map(([, name]) => name)).toEqual([
      'chatHub',
      'Given',
      'otherHub',
    ]);
    expect(body).toMatch(/"Shout": function \(text\)/);
    expect(body).toMatch(/"both": function \(first, second\)/);
    expect(body).toMatch(/"over": function \(\)/);
    await app.close();
  });

  test('[classic 210] switched off, it says so', async () => {
    const app = await startApp({
      platform,
      hubs: [ChatHub],
      signalr: { classic: { enableJavaScriptProxies: false } },
    });
    const answer = await http('GET', `${app.url}/signalr/hubs`);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/javascript; charset=UTF-8');
    expect(() => vm.runInNewContext(answer.body)).toThrow(
      'SignalR: JavaScript Hub proxy generation has been disabled.',
    );
    await app.close();
  });

  test('the url and a minifier can be given', async () => {
    let calls = 0;
    const minifyProxy = (script: string): string => {
      calls++;
      return script.replaceAll(/\n\s*/g, '\n').replaceAll('"', "'");
    };
    const app = await startApp({
      platform,
      hubs: [ChatHub],
      signalr: { classic: { proxyUrl: '/behind/proxy', minifyProxy } },
    });
    const read = async (): Promise<string> => (await http('GET', `${app.url}/signalr/hubs`)).body;
    const script = await read();
    expect(script).toContain('$.hubConnection("/behind/proxy"');
    expect(script).toContain(`proxies['chatHub'] = this`);
    expect(await read()).toBe(script);
    expect(calls).toBe(1);
    expect(() => new vm.Script(script)).not.toThrow();
    await app.close();
  });

  test('[classic 211] without the client library it says what is missing', async () => {
    const app = await startApp({ platform, hubs: [] });
    const { body } = await http('GET', `${app.url}/signalr/hubs`);
    expect(() => vm.runInNewContext(body, { window: { jQuery: {} } })).toThrow(
      'SignalR: SignalR is not loaded. Please ensure jquery.signalR-x.js is referenced before ~/signalr/js.',
    );
    await app.close();
  });
});
