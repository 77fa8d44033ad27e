import { WsException } from '@nestjs/websockets';
import { from, fromEvent, lastValueFrom, type Observable, takeUntil, tap } from 'rxjs';

import { toError } from '../common/errors.js';
import { isThenable } from '../common/promises.js';
import { isStream } from '../common/streams.js';
import { traceSource } from '../common/trace.js';
import type { Connection } from '../connections/connection.js';
import { CallerState } from '../hubs/caller-state.js';
import { HubCallerContext } from '../hubs/hub-caller-context.js';
import type { HubDescriptor, HubMethodDescriptor } from '../hubs/hub-descriptor.js';
import type { HubRequest } from '../transports/hub-request.js';
import { HubCall } from './hub-call.js';
import type { HubHost } from './hub-host.js';
import { HubInvocationError } from './invocation-error.js';

/** What a client wants to have called. */
export interface InvocationRequest {
  readonly hub: HubDescriptor;
  readonly target: string;
  readonly args: readonly unknown[];
  readonly invocationId: string | undefined;
  readonly state?: CallerState;
  /** The request that carried the call. */
  readonly request: HubRequest;
  /** True if the client takes progress reports: it gets the items of a stream as such, and the last one as result. */
  readonly takesProgress?: boolean;
}

/** What happens to a connection besides calls. */
export type LifecycleEvent =
  | { readonly name: 'onConnected' | 'onReconnected'; readonly args: readonly [] }
  | { readonly name: 'onDisconnected'; readonly args: readonly [stopCalled: boolean, error?: Error] };

/** Runs calls and lifecycle events of hubs, for both protocols. */
export class HubInvoker {
  private readonly logger = traceSource('SignalR.HubDispatcher');

  constructor(private readonly hosts: ReadonlyMap<HubDescriptor, HubHost>) {}

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
    if (this.logger.isDebug) {
      this.logger.debug(`${hub.name}.${target} is called by connection ${connection.id}`);
    }
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
      invocation.takesProgress === true,
    );
    if (method instanceof HubInvocationError) {
      return this.settle(host.fail(method, call), call);
    }
    let result: unknown;
    try {
      result = host.run(method, call);
    } catch (error) {
      call.complete();
      this.report(error, call);
      throw error;
    }
    if (isThenable(result) || isStream(result)) {
      return this.settle(result, call);
    }
    call.complete();
    return result;
  }

  /** Raises a lifecycle event of a hub. Rejects with whatever the hub threw. */
  raise(
    connection: Connection,
    hub: HubDescriptor,
    event: LifecycleEvent,
    request: HubRequest,
  ): Promise<void> {
    if (this.logger.isDebug) {
      this.logger.debug(`${event.name} of ${hub.name} for connection ${connection.id}`);
    }
    const host = this.host(hub);
    const context = new HubCallerContext(connection, request);
    const state = new CallerState();
    const call = new HubCall(
      host.parts,
      connection,
      context,
      state,
      '',
      event.args,
      undefined,
      undefined,
      false,
    );
    return host.raise(event.name, call);
  }

  private async settle(result: unknown, call: HubCall): Promise<unknown> {
    const { connection } = call;
    connection.callBegan();
    try {
      const value = await result;
      return call.takesProgress && isStream(value) ? await reportItems(value, call) : value;
    } catch (error) {
      this.report(error, call);
      throw error;
    } finally {
      call.complete();
      connection.callEnded();
    }
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

/** A client that knows no streams gets each item as progress, for as long as it is there, and the last one as result. */
function reportItems(
  stream: Observable<unknown> | AsyncIterable<unknown>,
  { progress, connection }: HubCall,
): Promise<unknown> {
  return lastValueFrom(
    from(stream).pipe(
      takeUntil(fromEvent(connection.aborted, 'abort')),
      tap((item) => void progress.report(item)),
    ),
    { defaultValue: undefined },
  );
}
