import type { IncomingMessage } from 'node:http';

import { type ExecutionContext, HttpException, Injectable } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerLimitDetail } from '@nestjs/throttler';

import { HubException } from '../hubs/hub.exception.js';
import { SIGNALR_CONTEXT, SignalRExecutionContext } from '../invocation/signalr-execution-context.js';

/** Whose calls are counted together. */
export type HubTracker = 'connection' | 'user' | 'address';

/** Which calls are counted together: those of one method, or all of one hub. */
export type HubBudget = 'method' | 'hub';

const TOO_MANY_REQUESTS = 429;

/** A response that nobody sends: a call has none, and an upgrade has none yet. */
const NO_RESPONSE = {};

/**
 * Limits how often clients call hub methods, with the limits and the storage of `@nestjs/throttler`: `ThrottlerModule`,
 * `@Throttle()` and `@SkipThrottle()` apply to hubs and their methods as they do to controllers, and any
 * `ThrottlerStorage` counts. Bind it to a method, a hub, or as `APP_GUARD` in place of `ThrottlerGuard`, whose work it does
 * for controllers.
 *
 * A call too many fails with a `HubException`, which says in its data after how many seconds to try again (`retryAfter`);
 * the connection goes on. While clients connect, requests are counted by address, and one too many is refused with 429. A
 * storage that throws fails the call or the request.
 *
 * @publicApi
 */
@Injectable()
export class HubThrottlerGuard extends ThrottlerGuard {
  /** Whose calls are counted together; a user without id counts as its connection. Override it in a class of your own. Default: `connection`. */
  protected readonly tracker: HubTracker = 'connection';

  /** Which calls are counted together. Override it in a class of your own. Default: `method`. */
  protected readonly budget: HubBudget = 'method';

  protected override getTracker(
    request: Record<string, unknown>,
    context?: ExecutionContext,
  ): Promise<string> {
    if (context?.getType<string>() !== SIGNALR_CONTEXT) {
      return super.getTracker(request);
    }
    const hub = SignalRExecutionContext.create(context);
    if (!hub.isCall) {
      return super.getTracker({ ip: addressOf(request as unknown as IncomingMessage) });
    }
    const { caller, connectionId } = hub;
    switch (this.tracker) {
      case 'connection':
        return Promise.resolve(`connection ${connectionId}`);
      case 'user':
        return Promise.resolve(
          caller.userIdentifier === undefined
            ? `connection ${connectionId}`
            : `user ${caller.userIdentifier}`,
        );
      case 'address':
        return Promise.resolve(`address ${caller.remoteAddress ?? connectionId}`);
    }
  }

  protected override generateKey(context: ExecutionContext, suffix: string, name: string): string {
    const isCall =
      context.getType<string>() === SIGNALR_CONTEXT && SignalRExecutionContext.create(context).isCall;
    return isCall && this.budget === 'hub'
      ? `${context.getClass().name}-${name}-${suffix}`
      : super.generateKey(context, suffix, name);
  }

  protected override getRequestResponse(context: ExecutionContext): {
    req: Record<string, unknown>;
    res: Record<string, unknown>;
  } {
    if (context.getType<string>() !== SIGNALR_CONTEXT) {
      return super.getRequestResponse(context);
    }
    const hub = SignalRExecutionContext.create(context);
    if (hub.isCall) {
      return { req: hub.caller as unknown as Record<string, unknown>, res: NO_RESPONSE };
    }
    const http = context.switchToHttp();
    return { req: http.getRequest(), res: http.getResponse() ?? NO_RESPONSE };
  }

  protected override async throwThrottlingException(
    context: ExecutionContext,
    detail: ThrottlerLimitDetail,
  ): Promise<void> {
    if (context.getType<string>() !== SIGNALR_CONTEXT) {
      return super.throwThrottlingException(context, detail);
    }
    const message = await this.getErrorMessage(context, detail);
    if (SignalRExecutionContext.create(context).isCall) {
      throw new HubException(message, { retryAfter: detail.timeToBlockExpire });
    }
    throw new HttpException(message, TOO_MANY_REQUESTS);
  }
}

function addressOf(request: IncomingMessage & { ip?: string }): string | undefined {
  return request.ip ?? request.socket.remoteAddress;
}
