import {
  ForbiddenException,
  Injectable,
  Module,
  ParseIntPipe,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  Hub,
  type HubErrorContext,
  HubException,
  type HubIncomingContext,
  HubMethod,
  HubPipelineModule,
  SignalRHub,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { RawCoreClient } from '../../support/core-client.js';

/** What modules and hubs did, in order. */
let steps: string[] = [];

class Recorder extends HubPipelineModule {
  constructor(private readonly name: string) {
    super();
  }

  override onBeforeIncoming(call: HubIncomingContext): boolean {
    steps.push(`${this.name} before ${call.target}`);
    return call.args[0] !== `stop at ${this.name}`;
  }

  override onAfterIncoming(result: unknown): unknown {
    steps.push(`${this.name} after`);
    return result === 'replace me' ? 'replaced' : undefined;
  }

  override onIncomingError(error: HubErrorContext): void {
    steps.push(`${this.name} error ${error.error.message}`);
    if (error.error.message === `rescue by ${this.name}`) {
      error.result = 'rescued';
    }
    if (error.error.message === `translate by ${this.name}`) {
      error.error = new HubException('translated', { by: this.name });
    }
  }
}

@Injectable()
class Prefix {
  readonly text = 'B';
}

/** Made by dependency injection, although nobody provides it. */
@Injectable()
class InjectedRecorder extends Recorder {
  constructor(prefix: Prefix) {
    super(prefix.text);
  }
}

@Module({ providers: [Prefix], exports: [Prefix] })
class PrefixModule {}

@Injectable()
class AsInterceptor extends Recorder {
  constructor() {
    super('I');
  }
}

class NoGuard {
  canActivate(): never {
    throw new ForbiddenException();
  }
}

@Hub('p')
class PipedHub extends SignalRHub {
  @HubMethod()
  say(text: string): string {
    steps.push('method');
    return text;
  }

  @HubMethod()
  fail(text: string): never {
    throw new Error(text);
  }

  @HubMethod()
  parse(@MessageBody(ParseIntPipe) value: number): number {
    return value;
  }

  @HubMethod()
  @UseGuards(NoGuard)
  closed(): string {
    return 'closed';
  }

  @HubMethod()
  @UseInterceptors(AsInterceptor)
  intercepted(text: string): string {
    steps.push('method');
    return text;
  }
}

describe.each(platforms)('pipeline modules on %s', (platform) => {
  let app: TestApp;
  let client: RawClassicClient;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [PipedHub],
      providers: [Prefix],
      imports: [PrefixModule],
      signalr: { pipeline: [new Recorder('A'), InjectedRecorder] },
    });
    client = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['p'] });
  });

  afterAll(() => app.close());

  beforeEach(() => {
    steps = [];
  });

  test('[classic 188] the first module is outermost', async () => {
    await client.invoke('p', 'say', 'x');
    expect(steps).toEqual(['A before say', 'B before say', 'method', 'B after', 'A after']);
    steps = [];
    await client.invoke('p', 'fail', 'oh');
    expect(steps).toEqual(['A before fail', 'B before fail', 'B error oh', 'A error oh']);
  });

  test('[classic 189] a module may skip the method: a success without result', async () => {
    const answer = await client.invoke('p', 'say', 'stop at B');
    expect(answer).toEqual({ I: answer.I });
    expect(steps).toEqual(['A before say', 'B before say', 'A after']);
  });

  test('[classic 190] a module may replace the result', async () => {
    expect((await client.invoke('p', 'say', 'replace me')).R).toBe('replaced');
  });

  test('[classic 191] a module may turn an error into a success, or into another error', async () => {
    expect((await client.invoke('p', 'fail', 'rescue by B')).R).toBe('rescued');
    expect(steps.at(-1)).toBe('A after');
    expect(await client.invoke('p', 'fail', 'translate by B')).toMatchObject({
      H: true,
      E: 'translated',
      D: { by: 'B' },
    });
  });

  test('arguments that do not bind and refused calls are none of their business', async () => {
    await client.invoke('p', 'parse', 'x');
    await client.invoke('p', 'closed');
    expect(steps).toEqual([]);
  });

  test('a method that does not exist is', async () => {
    await client.invoke('p', 'nope');
    expect(steps[0]).toBe('A before nope');
    expect(steps.at(-1)).toMatch(/^A error/);
  });

  test('the same class works as an interceptor', async () => {
    expect((await client.invoke('p', 'intercepted', 'replace me')).R).toBe('replaced');
    expect(steps).toEqual([
      'I before intercepted',
      'A before intercepted',
      'B before intercepted',
      'method',
      'B after',
      'A after',
      'I after',
    ]);
  });

  test('they see the calls of Core clients too', async () => {
    const core = await RawCoreClient.connect(`${app.url}/signalr/p`);
    expect((await core.invoke('say', 'x')).result).toBe('x');
    expect(steps).toEqual(['A before say', 'B before say', 'method', 'B after', 'A after']);
  });
});
