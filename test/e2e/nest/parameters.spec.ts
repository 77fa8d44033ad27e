import { createParamDecorator, Logger, type LoggerService } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  ErrorPipelineModule,
  Hub,
  HubCancellation,
  type HubCallerContext,
  HubContextParam,
  HubException,
  HubMethod,
  LoggingPipelineModule,
  SignalRExecutionContext,
  SignalRHub,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { RawCoreClient } from '../../support/core-client.js';
import { Inbox } from '../../support/inbox.js';

const aborted = new Inbox<string>();

/** Everything that an execution context tells. */
const Everything = createParamDecorator((_, host) => {
  const context = SignalRExecutionContext.create(host);
  const { hub, method, args, invocationId, transport, protocol, connectionId, isCall } = context;
  return {
    hub: hub.name,
    method: method?.name,
    args,
    invocationId,
    transport,
    protocol,
    isCall,
    isSame: connectionId === context.caller.connectionId,
  };
});

@Hub('params')
class ParamsHub extends SignalRHub {
  @HubMethod()
  everything(first: number, @Everything() everything: unknown, second: number): unknown {
    return { everything, sum: first + second };
  }

  @HubMethod()
  who(@HubContextParam() caller: HubCallerContext, text: string): unknown {
    return [caller.connectionId === this.context.connectionId, text];
  }

  @HubMethod()
  async wait(name: string, @HubCancellation() signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    aborted.put(name);
  }

  @HubMethod()
  refuse(): never {
    throw new HubException('no');
  }
}

describe.each(platforms)('parameters on %s', (platform) => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [ParamsHub] });
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  const connect = async (): Promise<[RawClassicClient, RawCoreClient]> => [
    await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['params'] }),
    await RawCoreClient.connect(`${app.url}/signalr/params`),
  ];

  test('an execution context tells everything about a call', async () => {
    const [classic, core] = await connect();
    const everything = { hub: 'params', method: 'everything', args: [1, 2], isCall: true, isSame: true };
    expect((await classic.invoke('params', 'EVERYTHING', 1, 2)).R).toEqual({
      everything: { ...everything, invocationId: '0', transport: 'webSockets', protocol: 'classic' },
      sum: 3,
    });
    expect((await core.invoke('everything', 1, 2)).result).toEqual({
      everything: { ...everything, invocationId: '0', transport: 'webSockets', protocol: 'core' },
      sum: 3,
    });
    await classic.abort();
    core.close();
  });

  test('the caller as a parameter takes no argument', async () => {
    const [classic, core] = await connect();
    expect((await classic.invoke('params', 'who', 'x')).R).toEqual([true, 'x']);
    expect((await core.invoke('who', 'x')).result).toEqual([true, 'x']);
    await classic.abort();
    core.close();
  });

  test('a method is told when its caller has gone', async () => {
    const [classic, core] = await connect();
    classic.socket.send(JSON.stringify({ H: 'params', M: 'wait', A: ['classic'], I: 0 }));
    // A message behind it has been answered: the call has begun.
    await classic.invoke('params', 'who', 'x');
    await classic.abort();
    expect(await aborted.next('the classic call')).toBe('classic');
    core.send({ type: 1, invocationId: 'w', target: 'wait', arguments: ['core'] });
    core.close();
    expect(await aborted.next('the core call')).toBe('core');
  });
});

describe('pipeline modules that come with the library', () => {
  test('log calls, errors, and clients that come and go; report errors', async () => {
    const lines: string[] = [];
    const record = (text: unknown): void => void lines.push(String(text));
    const logger: LoggerService = { log: record, warn: record, error: record };
    const reported: string[] = [];
    const report = new ErrorPipelineModule(
      ({ error }, { target }) => void reported.push(`${target} ${error.message}`),
    );
    const app = await startApp({
      hubs: [ParamsHub],
      signalr: { pipeline: [LoggingPipelineModule, report] },
      configure: (nest) => nest.useLogger(logger),
    });
    const client = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['params'] });
    await client.invoke('params', 'who', 'secret text');
    await client.invoke('params', 'refuse');
    await client.invoke('params', 'no\nsuch');
    await client.abort();
    const id = client.connectionId;
    await vi.waitFor(() => expect(lines).toContain(`connection ${id} has left params`));
    await app.close();
    Logger.overrideLogger(false);
    const own = lines.filter((line) => line.includes(id)).map((line) => line.replace(/[\d.]+ ms/, 'N ms'));
    expect(own).toEqual([
      `connection ${id} has connected to params`,
      `params.who took N ms for connection ${id}`,
      `params.refuse took N ms for connection ${id} and failed: no`,
      `params.(unknown method) took N ms for connection ${id} and failed`,
      `connection ${id} has left params`,
    ]);
    expect(lines.join()).not.toContain('secret text');
    expect(reported).toEqual(['refuse no', expect.stringContaining('no\nsuch')]);
  });
});
