import { type CallHandler, type ExecutionContext, Logger, type NestInterceptor } from '@nestjs/common';
import { Observable, Subscription } from 'rxjs';

import { toError } from '../common/errors.js';
import { andThen } from '../common/promises.js';
import type { HubDescriptor } from '../hubs/hub-descriptor.js';
import type { HubOutgoingContext, SendHubCall } from '../hubs/hub-sender.js';
import type { HubRequest } from '../transports/hub-request.js';
import {
  type AuthorizeHubConnect,
  HubErrorContext,
  type HubIncomingContext,
  type HubLifecycleContext,
  type InvokeHubMethod,
  type RaiseHubDisconnect,
  type RaiseHubEvent,
  type RejoinHubGroups,
} from './pipeline-contexts.js';
import { CALL_ARGUMENT } from './signalr-execution-context.js';

/** What a hook that may refuse returns: false refuses, everything else goes on. */
export type Verdict = boolean | void | Promise<boolean | void>;

/**
 * Sees everything that goes through hubs (signalr-2 §7.7): calls of hub methods, calls to clients, clients that connect
 * and go. Override `on…` hooks to act before or after a step, or `build…` to run around it.
 *
 * Modules wrap each other in the order in which they were given, the first outermost. They run after guards,
 * interceptors and pipes: they do not see calls that were refused, nor arguments that did not bind (signalr-2 §6.10).
 * The same class can be bound with `@UseInterceptors`; then its incoming hooks run where interceptors do.
 *
 * @publicApi
 */
export abstract class HubPipelineModule implements NestInterceptor {
  protected readonly logger = new Logger(this.constructor.name);

  /**
   * Runs before the method. Returning false skips it: the caller gets a success without result. A throw is the
   * outcome of the call and skips `onIncomingError` of this module. Default: go on.
   */
  onBeforeIncoming(_call: HubIncomingContext): Verdict {
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

  /**
   * Runs before a call is sent to clients, from a hub or from outside. Returning false drops it; the sender is not told.
   * A throw fails the send. Default: go on.
   */
  onBeforeOutgoing(_call: HubOutgoingContext): Verdict {
    return true;
  }

  /** Runs after the backplane has accepted a call. A throw fails the send. Default: nothing. */
  onAfterOutgoing(_call: HubOutgoingContext): void | Promise<void> {}

  /** Runs before `onConnected` of a hub. Returning false skips it. A throw refuses the client. Default: go on. */
  onBeforeConnect(_event: HubLifecycleContext): Verdict {
    return true;
  }

  /** Runs after `onConnected` of a hub. A throw refuses the client. Default: nothing. */
  onAfterConnect(_event: HubLifecycleContext): void | Promise<void> {}

  /** Runs before `onReconnected` of a hub. Returning false skips it. A throw ends the request. Default: go on. */
  onBeforeReconnect(_event: HubLifecycleContext): Verdict {
    return true;
  }

  /** Runs after `onReconnected` of a hub. A throw ends the request. Default: nothing. */
  onAfterReconnect(_event: HubLifecycleContext): void | Promise<void> {}

  /** Runs before `onDisconnected` of a hub. Returning false skips it. A throw is logged. Default: go on. */
  onBeforeDisconnect(_event: HubLifecycleContext, _stopCalled: boolean): Verdict {
    return true;
  }

  /** Runs after `onDisconnected` of a hub. A throw is logged. Default: nothing. */
  onAfterDisconnect(_event: HubLifecycleContext, _stopCalled: boolean): void | Promise<void> {}

  /**
   * Runs on every request of a client that lists the hub, before its guards. Returning false refuses the hub: 401 or
   * 403 if no other one is left. A throw answers 500. Default: go on.
   */
  onBeforeAuthorizeConnect(_hub: HubDescriptor, _request: HubRequest): Verdict {
    return true;
  }

  /** Wraps the call of a hub method. Default: the incoming hooks. */
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

  /**
   * Wraps the sending of a call to clients. Default: the outgoing hooks; those that return no promise keep the send as
   * immediate as it is without modules.
   */
  buildOutgoing(send: SendHubCall): SendHubCall {
    return (call) =>
      andThen(this.onBeforeOutgoing(call), (verdict) =>
        verdict === false ? undefined : andThen(send(call), () => this.onAfterOutgoing(call)),
      );
  }

  /** Wraps `onConnected`. Default: the connect hooks. */
  buildConnect(connect: RaiseHubEvent): RaiseHubEvent {
    return async (event) => {
      if ((await this.onBeforeConnect(event)) !== false) {
        await connect(event);
        await this.onAfterConnect(event);
      }
    };
  }

  /** Wraps `onReconnected`. Default: the reconnect hooks. */
  buildReconnect(reconnect: RaiseHubEvent): RaiseHubEvent {
    return async (event) => {
      if ((await this.onBeforeReconnect(event)) !== false) {
        await reconnect(event);
        await this.onAfterReconnect(event);
      }
    };
  }

  /** Wraps `onDisconnected`. Default: the disconnect hooks. */
  buildDisconnect(disconnect: RaiseHubDisconnect): RaiseHubDisconnect {
    return async (event, stopCalled) => {
      if ((await this.onBeforeDisconnect(event, stopCalled)) !== false) {
        await disconnect(event, stopCalled);
        await this.onAfterDisconnect(event, stopCalled);
      }
    };
  }

  /** Wraps the question whether a client may connect to a hub. Default: the hook. */
  buildAuthorizeConnect(authorize: AuthorizeHubConnect): AuthorizeHubConnect {
    return async (hub, request) =>
      (await this.onBeforeAuthorizeConnect(hub, request)) !== false && authorize(hub, request);
  }

  /**
   * Wraps the choice of groups that a classic client gets back when it returns; called for each hub on every request
   * after negotiation, with an empty list if it brings none (signalr-2 §3.3). Default: all of them.
   */
  buildRejoiningGroups(rejoin: RejoinHubGroups): RejoinHubGroups {
    return rejoin;
  }

  /**
   * Runs the incoming hooks of this module as an interceptor of a hub or method. Items of a stream go through as they
   * come; the result that the hooks see is then the last one, when the stream has ended.
   */
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const call = context.getArgByIndex<HubIncomingContext>(CALL_ARGUMENT);
    return new Observable((subscriber) => {
      const source = new Subscription();
      let last: unknown;
      const invoke: InvokeHubMethod = () =>
        new Promise((resolve, reject) => {
          source.add(
            next.handle().subscribe({
              next: (item) => {
                last = item;
                if (call.isStreaming) {
                  subscriber.next(item);
                }
              },
              error: reject,
              complete: () => resolve(last),
            }),
          );
        });
      this.buildIncoming(invoke)(call).then(
        (result) => {
          if (!call.isStreaming || result !== last) {
            subscriber.next(result);
          }
          subscriber.complete();
        },
        (error: unknown) => subscriber.error(error),
      );
      return source;
    });
  }
}
