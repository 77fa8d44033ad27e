import { ParseIntPipe } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  Hub,
  type HubErrorContext,
  HubException,
  HubMethod,
  HubPipelineModule,
  SignalRHub,
} from 'nestjs-signalr';

import { type Platform, platforms, startApp, type TestApp } from '../../support/app.js';
import { type ClassicFrame, RawClassicClient } from '../../support/classic-client.js';
import { MessageBody } from '@nestjs/websockets';

abstract class BaseHub extends SignalRHub {
  @HubMethod()
  inherited(): string {
    return 'from the base';
  }
}

let instances = new Set<object>();

/** State of callers as lifecycle events have seen it. */
const lifecycleStates: object[] = [];

@Hub('calls')
class CallHub extends BaseHub {
  private touched = 0;

  override async onConnected(): Promise<void> {
    lifecycleStates.push({ ...this.clients.callerState });
    this.clients.callerState['greeted'] = true;
    await this.clients.caller.hello();
  }

  @HubMethod()
  nothing(): void {}

  @HubMethod()
  nil(): null {
    return null;
  }

  @HubMethod()
  value(kind: string): unknown {
    return { zero: 0, no: false, blank: '', list: [] }[kind];
  }

  @HubMethod()
  async later(value: unknown): Promise<unknown> {
    await Promise.resolve();
    return value;
  }

  @HubMethod()
  add(left: number, right: number): number {
    return left + right;
  }

  @HubMethod('over')
  overOne(only: string): string {
    return `one ${only}`;
  }

  @HubMethod('over')
  overTwo(first: string, second: string): string {
    return `two ${first} ${second}`;
  }

  @HubMethod('Shout')
  yell(text: string): string {
    return text.toUpperCase();
  }

  @HubMethod()
  fail(): never {
    throw new Error('the reason');
  }

  @HubMethod()
  failWith(kind: string): never {
    throw kind === 'data' ? new HubException('m', { a: 1 }) : new HubException('m');
  }

  @HubMethod()
  parse(@MessageBody(ParseIntPipe) value: number): number {
    return value;
  }

  @HubMethod()
  remember(): number {
    instances.add(this);
    this.touched += 1;
    return this.touched;
  }

  @HubMethod()
  state(change: string | null): unknown {
    const { callerState } = this.clients;
    const before = { name: callerState['name'], other: callerState['other'] };
    if (change !== null) {
      callerState['name'] = change;
    }
    return before;
  }

  @HubMethod()
  async stateToClients(): Promise<void> {
    this.clients.callerState['counter'] = 5;
    await this.clients.caller.toCaller();
    await this.clients.all.toAll();
  }

  notCallable(): string {
    return 'secret';
  }

  static hidden(): string {
    return 'secret';
  }
}

/** Counts what pipeline modules get to see. */
class Watcher extends HubPipelineModule {
  errors: string[] = [];

  override onIncomingError(error: HubErrorContext): void {
    this.errors.push(error.error.message);
  }
}

async function start(platform: Platform, enableDetailedErrors: boolean, watcher: Watcher): Promise<TestApp> {
  return startApp({
    platform,
    hubs: [CallHub],
    signalr: { classic: { enableDetailedErrors }, pipeline: [watcher] },
  });
}

describe.each(platforms)('classic calls on %s', (platform) => {
  const watcher = new Watcher();
  let app: TestApp;
  let client: RawClassicClient;

  beforeAll(async () => {
    app = await start(platform, false, watcher);
    client = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['calls'] });
    await client.nextCall('the greeting');
  });

  afterAll(async () => {
    await client.abort();
    await app.close();
    expect(app.logged.filter((line) => !line.includes('the reason'))).toEqual([]);
  });

  /** Sends a message as it is written and gives the answer as it is written. */
  async function exchange(message: string): Promise<string> {
    client.socket.send(message);
    return client.nextText();
  }

  const generic = (spelled: string): string => `There was an error invoking Hub method '${spelled}'.`;

  test('[classic 146] names are found in any case', async () => {
    expect(await exchange('{"H":"CALLS","M":"ADD","A":[1,2],"I":0}')).toBe('{"R":3,"I":"0"}');
  });

  test('[classic 147] the id comes back as a text, or null', async () => {
    expect(await exchange('{"H":"calls","M":"nothing","A":[],"I":"7"}')).toBe('{"I":"7"}');
    expect(await exchange('{"H":"calls","M":"nothing","A":[]}')).toBe('{"I":null}');
  });

  test('names of members are read in any case', async () => {
    expect(await exchange('{"h":"calls","m":"add","a":[1,2],"i":1.5}')).toBe('{"R":3,"I":"1.5"}');
  });

  test('[classic 148] [classic 149] no result, and null, have no R', async () => {
    expect(await exchange('{"H":"calls","M":"nothing","A":[],"I":0}')).toBe('{"I":"0"}');
    expect(await exchange('{"H":"calls","M":"nil","A":[],"I":0}')).toBe('{"I":"0"}');
  });

  test('[classic 150] falsy results are results', async () => {
    const results = { zero: '0', no: 'false', blank: '""', list: '[]' };
    for (const [kind, json] of Object.entries(results)) {
      expect(await exchange(`{"H":"calls","M":"value","A":["${kind}"],"I":0}`)).toBe(`{"R":${json},"I":"0"}`);
    }
  });

  test('[classic 151] an asynchronous result looks the same', async () => {
    expect(await exchange('{"H":"calls","M":"later","A":[{"Id":7}],"I":0}')).toBe('{"R":{"Id":7},"I":"0"}');
  });

  test('[classic 152] missing arguments are none', async () => {
    expect(await exchange('{"H":"calls","M":"nothing","I":0}')).toBe('{"I":"0"}');
    expect(await exchange('{"H":"calls","M":"nothing","A":null,"I":0}')).toBe('{"I":"0"}');
  });

  test('wrong argument count and unknown methods are generic errors', async () => {
    expect((await client.invoke('calls', 'add', 1)).E).toBe(generic('calls.add'));
    expect((await client.invoke('CALLS', 'Nope')).E).toBe(generic('CALLS.Nope'));
  });

  test('[classic 155] overloads are told apart by their number of arguments', async () => {
    expect((await client.invoke('calls', 'over', 'a')).R).toBe('one a');
    expect((await client.invoke('calls', 'over', 'a', 'b')).R).toBe('two a b');
  });

  test('[classic 157] a given method name replaces the method’s own', async () => {
    expect((await client.invoke('calls', 'shout', 'hey')).R).toBe('HEY');
    expect((await client.invoke('calls', 'yell', 'hey')).E).toBe(generic('calls.yell'));
  });

  test('[classic 158] a given hub name replaces the class name', async () => {
    expect((await client.invoke('CaLLs', 'add', 1, 1)).R).toBe(2);
    client.socket.send('{"H":"CallHub","M":"add","A":[1,1],"I":"class name"}');
    expect((await client.invoke('calls', 'add', 2, 2)).R).toBe(4);
  });

  test('[classic 160] methods of base hubs are callable', async () => {
    expect((await client.invoke('calls', 'inherited')).R).toBe('from the base');
  });

  test('[classic 161] an error is generic, in the spelling of the client', async () => {
    expect(await client.invoke('Calls', 'FAIL')).toEqual({ I: expect.any(String), E: generic('Calls.FAIL') });
  });

  test('[classic 164] a HubException with data', async () => {
    expect(await exchange('{"H":"calls","M":"failWith","A":["data"],"I":3}')).toBe(
      '{"I":"3","H":true,"E":"m","D":{"a":1}}',
    );
  });

  test('[classic 165] a HubException without data', async () => {
    expect(await exchange('{"H":"calls","M":"failWith","A":["none"],"I":3}')).toBe(
      '{"I":"3","H":true,"E":"m"}',
    );
  });

  test('[classic 166] an argument that does not convert: an error, and no module is told', async () => {
    watcher.errors = [];
    expect((await client.invoke('calls', 'parse', '12')).R).toBe(12);
    expect((await client.invoke('calls', 'parse', 'x')).E).toBe(generic('calls.parse'));
    expect(watcher.errors).toEqual([]);
  });

  test('[classic 167] a hub that is not listed can be called', async () => {
    const other = await RawClassicClient.connect(`${app.url}/signalr`);
    expect((await other.invoke('calls', 'add', 20, 22)).R).toBe(42);
    await other.abort();
  });

  test('every call has a hub object of its own', async () => {
    instances = new Set();
    const counts = [await client.invoke('calls', 'remember'), await client.invoke('calls', 'remember')];
    expect(counts.map(({ R }) => R)).toEqual([1, 1]);
    expect(instances.size).toBe(2);
  });

  test('[classic 172] state of the caller', async () => {
    const state = '"S":{"name":"bob","other":{"deep":[1]}}';
    expect(await exchange(`{"H":"calls","M":"state","A":[null],"I":0,${state}}`)).toBe(
      '{"R":{"name":"bob","other":{"deep":[1]}},"I":"0"}',
    );
    expect(await exchange(`{"H":"calls","M":"state","A":["bob"],"I":0,${state}}`)).not.toContain('"S"');
    expect(await exchange(`{"H":"calls","M":"state","A":["ann"],"I":0,${state}}`)).toContain(
      '{"S":{"name":"ann"},"R":',
    );
  });

  test('[classic 174] in onConnected the state is empty; what is written there travels with calls to the caller', async () => {
    const other = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['calls'] });
    expect(lifecycleStates.at(-1)).toEqual({});
    expect(await other.nextCall()).toEqual({ H: 'calls', M: 'hello', A: [], S: { greeted: true } });
    await other.abort();
  });

  test('[classic 173] changed state travels with calls to the caller only', async () => {
    const response = await client.invoke('calls', 'stateToClients');
    const calls = [await client.nextCall(), await client.nextCall()];
    expect(calls).toEqual([
      { H: 'calls', M: 'toCaller', A: [], S: { counter: 5 } },
      { H: 'calls', M: 'toAll', A: [] },
    ]);
    expect(response).toMatchObject({ S: { counter: 5 } });
  });
});

describe.each(platforms)('classic calls with detailed errors on %s', (platform) => {
  let app: TestApp;
  let client: RawClassicClient;

  beforeAll(async () => {
    app = await start(platform, true, new Watcher());
    client = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['calls'] });
  });

  afterAll(async () => {
    await client.abort();
    await app.close();
  });

  const errorOf = async (method: string, ...args: unknown[]): Promise<ClassicFrame> =>
    client.invoke('calls', method, ...args);

  test('[classic 153] a wrong argument count lists the candidates', async () => {
    expect((await errorOf('add', 1)).E).toBe(
      `'add' method could not be resolved. Potential candidates are: \nadd(left:Number, right:Number):Number`,
    );
    expect((await errorOf('ADD', 1)).E).toBe(
      `'ADD' method could not be resolved. No method found with that name.`,
    );
  });

  test('[classic 154] an unknown method', async () => {
    expect((await errorOf('Nope')).E).toBe(
      `'Nope' method could not be resolved. No method found with that name.`,
    );
  });

  test.each([
    'onConnected',
    'onDisconnected',
    'toString',
    'constructor',
    'hasOwnProperty',
    '__proto__',
    'notCallable',
    'hidden',
    'clients',
    'dispose',
  ])('[classic 159] %s is out of reach', async (name) => {
    expect((await errorOf(name)).E).toBe(
      `'${name}' method could not be resolved. No method found with that name.`,
    );
  });

  test('[classic 162] an error shows its text', async () => {
    const answer = await errorOf('fail');
    expect(answer).toEqual({ I: expect.any(String), E: 'the reason' });
  });

  test('arguments may be nested twenty levels deep', async () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect((await client.invoke('calls', 'later', JSON.parse(nested(20)))).R).toEqual(JSON.parse(nested(20)));
    expect((await errorOf('later', JSON.parse(nested(21)))).E).toBe(
      `The reader's MaxDepth of 20 has been exceeded.`,
    );
  });
});

describe.each(platforms)('classic calls in development mode on %s', (platform) => {
  test.each([
    { enableDetailedErrors: true, developmentMode: false, ordinary: false, forClients: false },
    { enableDetailedErrors: false, developmentMode: true, ordinary: false, forClients: true },
    { enableDetailedErrors: true, developmentMode: true, ordinary: true, forClients: true },
  ])(
    '[classic 163] the stack trace comes with text that is disclosed: $enableDetailedErrors, $developmentMode',
    async ({ ordinary, forClients, ...classic }) => {
      const app = await startApp({ platform, hubs: [CallHub], signalr: { classic } });
      const client = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['calls'] });
      const failure = await client.invoke('calls', 'fail');
      expect(Object.keys(failure)).toEqual(ordinary ? ['I', 'E', 'T'] : ['I', 'E']);
      expect(String(failure.T)).toMatch(ordinary ? /^Error: the reason\n\s+at CallHub\.fail/ : /^undefined$/);
      expect('T' in (await client.invoke('calls', 'failWith', 'data'))).toBe(forClients);
      await client.abort();
      await app.close();
    },
  );
});
