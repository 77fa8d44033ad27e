import { Controller, Get, Inject } from '@nestjs/common';
import { type HealthCheckResult, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { type BackplaneHealth, Hub, MemoryBackplane, SignalRHub, SignalRService } from 'nestjs-signalr';
import { BackplaneHealthIndicator, SignalRHealthIndicator } from 'nestjs-signalr/health';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawCoreClient } from '../../support/core-client.js';
import { http } from '../../support/http.js';

@Hub()
class HealthyHub extends SignalRHub {}

@Controller('health')
class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(SignalRHealthIndicator) private readonly signalR: SignalRHealthIndicator,
    @Inject(BackplaneHealthIndicator) private readonly backplane: BackplaneHealthIndicator,
  ) {}

  @Get()
  check(): Promise<HealthCheckResult> {
    return this.health.check([
      () => this.signalR.isHealthy(),
      () => this.backplane.isHealthy(),
      () => this.signalR.isHealthy('hubs'),
    ]);
  }
}

class MoodyBackplane extends MemoryBackplane {
  mood: BackplaneHealth | Error = { status: 'up' };

  override health(): BackplaneHealth {
    if (this.mood instanceof Error) {
      throw this.mood;
    }
    return this.mood;
  }
}

describe.each(platforms)('health indicators on %s', (platform) => {
  let app: TestApp;
  let backplane: MoodyBackplane;

  beforeEach(async () => {
    backplane = new MoodyBackplane();
    app = await startApp({
      platform,
      hubs: [HealthyHub],
      signalr: { backplane },
      imports: [TerminusModule.forRoot({ logger: false })],
      providers: [SignalRHealthIndicator, BackplaneHealthIndicator],
      controllers: [HealthController],
    });
  });

  afterEach(() => app.close());

  async function check(): Promise<[status: number, body: object]> {
    const { status, body } = await http('GET', `${app.url}/health`);
    return [status, JSON.parse(body) as object];
  }

  test('are up with the number of connections', async () => {
    const client = await RawCoreClient.connect(`${app.url}/signalr/healthyHub`);
    expect(await check()).toEqual([
      200,
      expect.objectContaining({
        status: 'ok',
        details: {
          signalr: { status: 'up', connections: 1 },
          hubs: { status: 'up', connections: 1 },
          backplane: { status: 'up', name: 'memory' },
        },
      }),
    ]);
    client.close();
  });

  test('are down while the server is drained', async () => {
    await app.app.get(SignalRService).drain();
    expect(await check()).toEqual([
      503,
      expect.objectContaining({
        status: 'error',
        error: {
          signalr: { status: 'down', connections: 0, message: 'draining' },
          hubs: { status: 'down', connections: 0, message: 'draining' },
        },
      }),
    ]);
  });

  test('a backplane that is degraded fails no check', async () => {
    backplane.mood = { status: 'degraded', detail: 'no line to Redis' };
    expect(await check()).toEqual([
      200,
      expect.objectContaining({
        status: 'degraded',
        details: expect.objectContaining({
          backplane: { status: 'degraded', name: 'memory', detail: 'no line to Redis' },
        }),
      }),
    ]);
  });

  test.each([{ status: 'down', detail: 'gone' } as const, new Error('gone')])(
    'a backplane that is down fails it: %o',
    async (mood) => {
      backplane.mood = mood;
      expect(await check()).toEqual([
        503,
        expect.objectContaining({ error: { backplane: { status: 'down', name: 'memory', detail: 'gone' } } }),
      ]);
    },
  );
});
