import { WsException } from '@nestjs/websockets';

import { toError } from '../common/errors.js';
import { isThenable } from '../common/promises.js';
import { isStream, whenSettled } from '../common/streams.js';
import { traceSource } from '../common/trace.js';
import type { Connection } from '../connections/connection.js';
import type { HubDescriptor, HubMethodDescriptor } from '../hubs/hub-descriptor.js';
import type { HubRequest } from '../transports/hub-request.js';
import { HubCall } from './hub-call.js';
import type { HubHost } from './hub-host.js';
import { HubInvocationError } from './invocation-error.js';
import type { InvocationRequest } from './invocation-request.js';
import { reportItems, requireExpected } from './stream-results.js';

/** What happens to a connection of a hub besides calls. */
export type HubEvent =
  LifecycleEvent | { readonly name: 'onAuthenticationRefreshed'; readonly args: readonly [] };

/** The beginning, the end, and what comes between for those that come back. */
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
   * @returns the bare result, a stream if the client expects one, or a promise of either; it throws (or rejects with) a HubInvocationError if the call did not get
   * as far as the method, otherwise whatever hub code threw.
   */
  invoke(connection: Connection, invocation: InvocationRequest): unknown {
    const { hub, target, args } = invocation;
    if (this.logger.isDebug) {
      this.logger.debug(`${hub.name}.${target} is called by connection ${connection.id}`);
    }
    const host = this.host(hub);
    const method = findMethod(hub, target, args.length);
    if (method instanceof HubInvocationError) {
      const call = new HubCall(host.parts, connection, invocation, undefined);
      return this.settle(host.fail(method, call), call);
    }
    const call = new HubCall(host.parts, connection, invocation, method);
    let result: unknown;
    try {
      result = host.run(method, call);
      if (!isThenable(result) && !isStream(result)) {
        requireExpected(result, call);
        call.complete();
        return result;
      }
    } catch (error) {
      call.complete();
      this.report(error, call);
      throw error;
    }
    return this.settle(result, call);
  }

  /** Raises a lifecycle event of a hub. Rejects with whatever the hub threw. */
  raise(connection: Connection, hub: HubDescriptor, event: HubEvent, request: HubRequest): Promise<void> {
    if (this.logger.isDebug) {
      this.logger.debug(`${event.name} of ${hub.name} for connection ${connection.id}`);
    }
    const host = this.host(hub);
    const description = {
      target: '',
      args: event.args,
      invocationId: undefined,
      expects: 'value',
      request,
      isConnecting: event.name === 'onConnected',
    } as const;
    const call = new HubCall(host.parts, connection, description, undefined);
    return host.raise(event.name, call);
  }

  private async settle(result: unknown, call: HubCall): Promise<unknown> {
    const { connection } = call;
    connection.callBegan(call);
    let goesOn = false;
    try {
      const value = await result;
      requireExpected(value, call);
      if (!isStream(value)) {
        return value;
      }
      if (call.expects === 'progress') {
        return await reportItems(value, call);
      }
      goesOn = true;
      return whenSettled(value, (error) => this.streamEnded(call, error));
    } catch (error) {
      this.report(error, call);
      throw error;
    } finally {
      connection.callReturned();
      if (!goesOn) {
        this.ended(call);
      }
    }
  }

  private streamEnded(call: HubCall, error: unknown): void {
    if (error !== undefined) {
      this.report(error, call);
    }
    this.ended(call);
  }

  private ended(call: HubCall): void {
    call.complete();
    call.connection.callEnded(call);
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
