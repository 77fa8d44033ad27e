import type { ExecutionContext } from '@nestjs/common';

import type { ProtocolFamily } from '../connections/connection.js';
import type { HubCallerContext } from '../hubs/hub-caller-context.js';
import type { HubDescriptor, HubMethodDescriptor } from '../hubs/hub-descriptor.js';
import type { IProgress } from '../hubs/progress.js';
import type { TransportName } from '../transports/channel.js';
import type { TraceContext } from './invocation-request.js';
import type { HubIncomingContext } from './pipeline-contexts.js';

/** The type of execution contexts of hubs: `context.getType() === 'signalr'`. */
export const SIGNALR_CONTEXT = 'signalr';

/** Where the arguments of an execution context carry the call. */
export const CALL_ARGUMENT = 2;

/**
 * Arguments of an execution context of a call. They lie like those of a gateway, so `switchToWs()` gives the caller,
 * its arguments and the method name, and the caller also serves as request for code written for HTTP.
 */
export type CallArguments = readonly [
  client: HubCallerContext,
  args: readonly unknown[],
  call: HubIncomingContext,
  pattern: string,
];

/** The arguments of the execution context of a call. */
export function callArguments(call: HubIncomingContext): CallArguments & unknown[] {
  return [call.context, call.args, call, call.target] as unknown as CallArguments & unknown[];
}

/**
 * Reads an execution context inside guards, interceptors, filters and parameter decorators of hubs.
 *
 * @publicApi
 */
export class SignalRExecutionContext {
  private constructor(private readonly context: ExecutionContext) {}

  /** @throws nothing: check {@link isCall} first where a guard also runs while clients connect. */
  static create(context: ExecutionContext): SignalRExecutionContext {
    return new SignalRExecutionContext(context);
  }

  /** True for the call of a hub method; false while a client connects, when `switchToHttp()` has the request. */
  get isCall(): boolean {
    return this.context.getArgs().length > CALL_ARGUMENT + 1;
  }

  /** The call: hub, method, arguments, caller. */
  get call(): HubIncomingContext {
    return this.context.getArgByIndex<HubIncomingContext>(CALL_ARGUMENT);
  }

  /** The hub that is called. */
  get hub(): HubDescriptor {
    return this.call.hub;
  }

  /** The method that is called; undefined if there is none of that name. */
  get method(): HubMethodDescriptor | undefined {
    return this.call.method;
  }

  get connectionId(): string {
    return this.caller.connectionId;
  }

  /** What the client calls this invocation; undefined if it wants no answer. */
  get invocationId(): string | undefined {
    return this.call.invocationId;
  }

  /** What carries the connection now. */
  get transport(): TransportName | undefined {
    return this.caller.transport;
  }

  /** The family of the client. */
  get protocol(): ProtocolFamily {
    return this.caller.protocol;
  }

  /** Who calls. */
  get caller(): HubCallerContext {
    return this.context.getArgByIndex<HubCallerContext>(0);
  }

  /** Tells the caller how far the call is. */
  get progress(): IProgress<unknown> {
    return this.call.progress;
  }

  /** Fires when nobody waits for the outcome any more: the client has cancelled the call, or the connection has ended. */
  get cancellation(): AbortSignal {
    return this.call.cancellation;
  }

  /** The trace that the client is in; undefined if it does not tell. */
  get traceContext(): TraceContext | undefined {
    return this.call.traceContext;
  }

  /** What the client sent, in order, before pipes. */
  get args(): readonly unknown[] {
    return this.context.getArgByIndex<readonly unknown[]>(1);
  }
}
