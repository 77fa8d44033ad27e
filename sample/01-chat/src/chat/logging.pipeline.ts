import { Logger } from '@nestjs/common';
import {
  HubException,
  HubPipelineModule,
  type HubErrorContext,
  type HubIncomingContext,
} from 'nestjs-signalr';

/** Logs every call with its duration. Runs around all hubs, because `forRoot({ pipeline })` lists it. */
export class LoggingModule extends HubPipelineModule {
  protected override readonly logger = new Logger('Hub');
  private readonly startTimes = new WeakMap<HubIncomingContext, number>();

  override onBeforeIncoming(call: HubIncomingContext): boolean {
    this.startTimes.set(call, performance.now());
    return true;
  }

  override onAfterIncoming(result: unknown, call: HubIncomingContext): unknown {
    this.logger.log(this.describe(call));
    return result;
  }

  override onIncomingError(error: HubErrorContext, call: HubIncomingContext): void {
    if (error.error instanceof HubException) {
      this.logger.warn(`${this.describe(call)}: ${error.error.message}`);
    } else {
      this.logger.error(this.describe(call), error.error);
    }
  }

  private describe(call: HubIncomingContext): string {
    const took = performance.now() - (this.startTimes.get(call) ?? performance.now());
    return `${call.hub.name}.${call.target} (${call.context.protocol} client) took ${took.toFixed(1)} ms`;
  }
}
