import { Logger } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';

import { toError } from '../common/errors.js';
import { isThenable } from '../common/promises.js';
import type { Connection } from '../connections/connection.js';
import { CallerState } from '../hubs/caller-state.js';
import { HubCallerContext } from '../hubs/hub-caller-context.js';
import type { HubDescriptor, HubMethodDescriptor } from '../hubs/hub-descriptor.js';
import type { HubRequest } from '../transports/hub-request.js';
import { HubCall } from './hub-call.js';
import type { HubHost } from './hub-host.js';
import { HubInvocationError } from './invocation-error.js';
import { type BuildPipeline, incomingContext } from './method-runner.js';

/** What a client wants to have called. */
export interface InvocationRequest {
  readonly hub: HubDescriptor;
  readonly target: string;
  readonly args: readonly unknown[];
  readonly invocationId: string | undefined;
  readonly state?: CallerState;
  /** The request that carried the call. */
  readonly request: HubRequest;
}

/** What happens to a connection besides calls. */
export type LifecycleEvent =
  | { readonly name: 'onConnected' | 'onReconnected'; readonly args: readonly [] }
  | { readonly name: 'onDisconnected'; readonly args: readonly [stopCalled: boolean, error?: Error] };

/** Runs calls and lifecycle events of hubs, for both protocols. */
export class HubInvoker {
  private readonly logger = new Logger('SignalR.HubDispatcher');

  constructor(
    private readonly hosts: ReadonlyMap<HubDescriptor, HubHost>,
    private readonly pipeline: BuildPipeline | undefined,
  ) {}

  /** Prepares what can be prepared before the first call. */
  compile(): void {
    for (const host of this.hosts.values()) {
      host.compile();
    }
  }

  host(hub: HubDescriptor): HubHost {
    return this.hosts.get(hub) as HubHost;
  }

  /**
   * Calls a hub method.
   *
   * @returns the bare result or a promise of it; it throws (or rejects with) a HubInvocationError if the call did not get
   * as far as the method, otherwise whatever hub code threw.
   */
  invoke(connection: Connection, invocation: InvocationRequest): unknown {
    const { hub, target, args, invocationId, request } = invocation;
    const host = this.host(hub);
    const method = findMethod(hub, target, args.length);
    const found = method instanceof HubInvocationError ? undefined : method;
    const call = new HubCall(
      host.parts,
      connection,
      new HubCallerContext(connection, request),
      invocation.state ?? new CallerState(),
      target,
      args,
      found,
      invocationId,
    );
    if (method instanceof HubInvocationError) {
      return this.fail(method, call);
    }
    let result: unknown;
    try {
      result = host.run(method, call);
    } catch (error) {
      this.report(error, call);
      throw error;
    }
    return isThenable(result)
      ? result.then(undefined, (error: unknown) => {
          this.report(error, call);
          throw error;
        })
      : result;
  }

  /** Raises a lifecycle event of a hub. Rejects with whatever the hub threw. */
  raise(
    connection: Connection,
    hub: HubDescriptor,
    event: LifecycleEvent,
    request: HubRequest,
  ): Promise<void> {
    const host = this.host(hub);
    const context = new HubCallerContext(connection, request);
    const call = new HubCall(
      host.parts,
      connection,
      context,
      new CallerState(),
      '',
      event.args,
      undefined,
      undefined,
    );
    return host.raise(event.name, call);
  }

  /** A call that found no method still goes through the pipeline modules (signalr-2 §6.10). */
  private fail(error: HubInvocationError, call: HubCall): unknown {
    if (this.pipeline === undefined) {
      throw error;
    }
    const reject = (): Promise<never> => Promise.reject(error);
    return this.pipeline(reject)(incomingContext(call, call.args));
  }

  /** Errors that the client reads are no news; everything else is logged, once, here. */
  private report(error: unknown, { hub, target, connection }: HubCall): void {
    if (error instanceof WsException) {
      return;
    }
    const what = `${hub.name}.${target} failed for connection ${connection.id}`;
    if (error instanceof HubInvocationError) {
      this.logger.debug(`${what}: ${error.message}`);
    } else {
      this.logger.error(what, toError(error).stack);
    }
  }
}

function findMethod(
  hub: HubDescriptor,
  target: string,
  argumentCount: number,
): HubMethodDescriptor | HubInvocationError {
  const overloads = hub.methods.get(target.toLowerCase());
  if (overloads === undefined) {
    return new HubInvocationError('unknownMethod', `Hub '${hub.name}' has no method '${target}'.`);
  }
  for (const method of overloads) {
    if (argumentCount >= method.minArguments && argumentCount <= method.maxArguments) {
      return method;
    }
  }
  return new HubInvocationError(
    'argumentCount',
    `No overload of ${hub.name}.${target} takes ${argumentCount} argument(s).`,
  );
}
