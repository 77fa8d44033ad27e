import type { HubGroupManager } from '../hubs/hub-group-manager.js';
import type { HubCallerContext } from '../hubs/hub-caller-context.js';
import type { HubCallerClients } from '../hubs/hub-clients.js';
import type { HubDescriptor, HubMethodDescriptor } from '../hubs/hub-descriptor.js';
import type { SendHubCall } from '../hubs/hub-sender.js';
import type { IProgress } from '../hubs/progress.js';
import type { HubRequest } from '../transports/hub-request.js';
import type { TraceContext } from './invocation-request.js';

/** What pipeline modules know of everything that happens in a hub. */
interface HubEventContext {
  readonly hub: HubDescriptor;
  readonly context: HubCallerContext;
  /** Selects clients of the hub to call, the caller among them. */
  readonly clients: HubCallerClients;
  readonly groups: HubGroupManager;
}

/**
 * One call of a hub method, as pipeline modules see it (signalr-2 §7.7). Hand on the object that you were given.
 *
 * @publicApi
 */
export interface HubIncomingContext extends HubEventContext {
  /** Undefined if the method could not be found; the call then fails after `onBeforeIncoming`. */
  readonly method: HubMethodDescriptor | undefined;
  /** The method as the client spelled it. */
  readonly target: string;
  /** Arguments of the method in order, after pipes. Assign others to call it with those. */
  args: readonly unknown[];
  /** What the client calls this invocation; undefined if it wants no answer. */
  readonly invocationId: string | undefined;
  /** Tells the caller how far the call is. */
  readonly progress: IProgress<unknown>;
  /** The trace that the client is in, for spans of a telemetry library; undefined if it does not tell. */
  readonly traceContext: TraceContext | undefined;
  /**
   * True for a call that gives several values: its client has asked for a stream, or its method has returned one. What
   * comes after the method then is the stream, which pipeline modules may replace or wrap.
   */
  readonly isStreaming: boolean;
  /** Fires when nobody waits for the outcome any more: the client has cancelled the call, or the connection has ended. */
  readonly cancellation: AbortSignal;
}

/**
 * A client that connects, comes back or goes, as pipeline modules see it (signalr-2 §7.7).
 *
 * @publicApi
 */
export type HubLifecycleContext = HubEventContext;

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

/** Raises `onConnected` or `onReconnected` of a hub. */
export type RaiseHubEvent = (event: HubLifecycleContext) => Promise<void>;

/** Raises `onDisconnected` of a hub. */
export type RaiseHubDisconnect = (event: HubLifecycleContext, stopCalled: boolean) => Promise<void>;

/** Says whether a client may connect to a hub. */
export type AuthorizeHubConnect = (hub: HubDescriptor, request: HubRequest) => boolean | Promise<boolean>;

/** Says which of the groups that a classic client brings back it gets again. */
export type RejoinHubGroups = (
  hub: HubDescriptor,
  request: HubRequest,
  groups: readonly string[],
) => readonly string[] | Promise<readonly string[]>;

/** The steps that pipeline modules wrap, by name. */
export interface PipelineSteps {
  incoming: InvokeHubMethod;
  outgoing: SendHubCall;
  connect: RaiseHubEvent;
  reconnect: RaiseHubEvent;
  disconnect: RaiseHubDisconnect;
  authorizeConnect: AuthorizeHubConnect;
  rejoiningGroups: RejoinHubGroups;
}
