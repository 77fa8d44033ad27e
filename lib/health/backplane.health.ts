import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';

import { toError } from '../common/errors.js';
import type { Backplane } from '../messaging/backplane.js';
import { BACKPLANE } from '../nest/signalr.tokens.js';

/**
 * How well the backplane does, for the health checks of `@nestjs/terminus`. Provide it in the module of the health controller,
 * which imports `TerminusModule`.
 *
 * @publicApi
 */
@Injectable()
export class BackplaneHealthIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly moduleRef: ModuleRef,
  ) {}

  /**
   * What the backplane says of itself: up; degraded while clients of this process are served but not all messages reach other
   * processes at once, which does not fail the health check; down. A backplane that throws is down. Never rejects.
   *
   * @param key name in the result. Default: `backplane`.
   */
  async isHealthy<const Key extends string = 'backplane'>(key?: Key): Promise<HealthIndicatorResult<Key>> {
    const backplane = this.moduleRef.get<Backplane>(BACKPLANE, { strict: false });
    const session = this.indicators.check((key ?? 'backplane') as Key);
    try {
      const { status, detail } = await backplane.health();
      const data = { name: backplane.name, ...(detail !== undefined && { detail }) };
      switch (status) {
        case 'up':
          return session.up(data);
        case 'degraded':
          return session.degraded(data);
        case 'down':
          return session.down(data);
      }
    } catch (error) {
      return session.down({ name: backplane.name, detail: toError(error).message });
    }
  }
}
