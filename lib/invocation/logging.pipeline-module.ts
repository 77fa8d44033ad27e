import { Injectable, Logger } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';

import { HubPipelineModule } from './hub-pipeline-module.js';
import type { HubIncomingContext, HubLifecycleContext, InvokeHubMethod } from './pipeline-contexts.js';

/**
 * Logs every call of hub methods with its duration, and clients that connect and go. Errors that clients may read are
 * warnings here; what else fails is logged with its stack by the library itself.
 *
 * @publicApi
 */
@Injectable()
export class LoggingPipelineModule extends HubPipelineModule {
  protected override readonly logger = new Logger('Hubs');

  override buildIncoming(invoke: InvokeHubMethod): InvokeHubMethod {
    return async (call) => {
      const began = performance.now();
      try {
        const result = await invoke(call);
        this.logger.log(this.describe(call, began));
        return result;
      } catch (error) {
        const reason = error instanceof WsException ? `: ${error.message}` : '';
        this.logger.warn(`${this.describe(call, began)} and failed${reason}`);
        throw error;
      }
    };
  }

  override onAfterConnect({ hub, context }: HubLifecycleContext): void {
    this.logger.log(`connection ${context.connectionId} has connected to ${hub.name}`);
  }

  override onAfterDisconnect({ hub, context }: HubLifecycleContext, stopCalled: boolean): void {
    const how = stopCalled ? 'has left' : 'was lost to';
    this.logger.log(`connection ${context.connectionId} ${how} ${hub.name}`);
  }

  /** A method that was found is named as it is declared: what clients send is not put into the log. */
  private describe({ hub, method, context }: HubIncomingContext, began: number): string {
    const took = (performance.now() - began).toFixed(1);
    return `${hub.name}.${method?.name ?? '(unknown method)'} took ${took} ms for connection ${context.connectionId}`;
  }
}
