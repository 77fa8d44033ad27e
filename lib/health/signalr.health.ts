import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';

import { SignalRService } from '../nest/signalr.service.js';

/**
 * Whether this process takes new clients, for the health checks of `@nestjs/terminus`. Provide it in the module of the health
 * controller, which imports `TerminusModule`.
 *
 * @publicApi
 */
@Injectable()
export class SignalRHealthIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly moduleRef: ModuleRef,
  ) {}

  /**
   * Up with the number of connections; down while the server is drained, so that a load balancer sends new clients elsewhere.
   * Never throws. The result is about new clients: those that are connected are being served until they have gone.
   *
   * @param key name in the result. Default: `signalr`.
   */
  isHealthy<const Key extends string = 'signalr'>(key?: Key): HealthIndicatorResult<Key> {
    const { connectionCount, isDraining } = this.moduleRef.get(SignalRService, { strict: false });
    const session = this.indicators.check((key ?? 'signalr') as Key);
    return isDraining
      ? session.down({ connections: connectionCount, message: 'draining' })
      : session.up({ connections: connectionCount });
  }
}
