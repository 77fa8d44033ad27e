import { type CallHandler, type ExecutionContext, Logger, type NestInterceptor } from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';

import { toError } from '../common/errors.js';
import type { HubCallerContext } from '../hubs/hub-caller-context.js';
import type { HubDescriptor, HubMethodDescriptor } from '../hubs/hub-descriptor.js';

/**
 * One call of a hub method, as pipeline modules see it (signalr-2 §7.7).
 *
 * @publicApi
 */
export interface HubIncomingContext {
  readonly hub: HubDescriptor;
  /** Undefined if the method could not be found; the call then fails after `onBeforeIncoming`. */
  readonly method: HubMethodDescriptor | undefined;
  /** The method as the client spelled it. */
  readonly target: string;
  /** Arguments of the client in order, after pipes. */
  readonly args: readonly unknown[];
  readonly context: HubCallerContext;
}

/**
 * A failed call, as `onIncomingError` sees it (signalr-2 §7.7).
 *
 * @publicApi
 */
export class HubErrorContext {
  private replacement: { readonly value: unknown } | undefined;

  constructor(
    /** What was thrown. Assign another error to have that one reported instead. */
    public error: Error,
  ) {}

  /** The result given in place of the error; undefined if none was. */
  get result(): unknown {
    return this.replacement?.value;
  }

  /** Assigning a result turns the failure into a success with that result. */
  set result(value: unknown) {
    this.replacement = { value };
  }

  /** True once a result was assigned. */
  get handled(): boolean {
    return this.replacement !== undefined;
  }
}

/** Runs a call and gives its result. */
export type InvokeHubMethod = (call: HubIncomingContext) => Promise<unknown>;

/**
 * Sees every call of hub methods. Modules given to `pipeline` wrap each other in that order, the first outermost, and
 * all of them run after guards, interceptors and pipes: they do not see calls that were refused, nor arguments that did
 * not bind (signalr-2 §6.10, §7.7). The same class can be bound with `@UseInterceptors`, and then runs where
 * interceptors do.
 *
 * @publicApi
 */
export abstract class HubPipelineModule implements NestInterceptor {
  protected readonly logger = new Logger(this.constructor.name);

  /**
   * Runs before the method. Returning false skips it: the caller gets a success without result. A throw is the
   * outcome of the call and skips `onIncomingError` of this module. Default: go on.
   */
  onBeforeIncoming(_call: HubIncomingContext): boolean | void | Promise<boolean | void> {
    return true;
  }

  /**
   * Runs after the method has succeeded. What it returns becomes the result; undefined keeps the result as it is. A
   * throw fails the call and goes to `onIncomingError`. Default: keeps the result.
   */
  onAfterIncoming(_result: unknown, _call: HubIncomingContext): unknown {
    return undefined;
  }

  /**
   * Runs when the method or `onAfterIncoming` has failed. Assign `error.error` or `error.result` to change the outcome.
   * A throw replaces the error. Default: nothing.
   */
  onIncomingError(_error: HubErrorContext, _call: HubIncomingContext): void | Promise<void> {}

  /** Wraps the rest of the pipeline. Override it to run around a call instead of before and after it. */
  buildIncoming(invoke: InvokeHubMethod): InvokeHubMethod {
    return async (call) => {
      if ((await this.onBeforeIncoming(call)) === false) {
        return undefined;
      }
      try {
        const result = await invoke(call);
        const replaced = await this.onAfterIncoming(result, call);
        return replaced === undefined ? result : replaced;
      } catch (thrown) {
        const failure = new HubErrorContext(toError(thrown));
        await this.onIncomingError(failure, call);
        if (failure.handled) {
          return failure.result;
        }
        // What is no Error is passed on as it was thrown, unless a module put something in its place.
        throw failure.error.cause === thrown ? thrown : failure.error;
      }
    };
  }

  /** Runs the hooks of this module as an interceptor of a hub or method. */
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const call = context.getArgByIndex<HubIncomingContext>(CALL_ARGUMENT);
    return from(this.buildIncoming(() => lastValueFrom(next.handle(), { defaultValue: undefined }))(call));
  }
}

/** Where the arguments of an execution context carry the call. */
export const CALL_ARGUMENT = 2;
