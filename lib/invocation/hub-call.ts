import { SignalRError } from '../common/errors.js';
import type { Connection, RunningCall } from '../connections/connection.js';
import { CallerState } from '../hubs/caller-state.js';
import type { HubGroupManager } from '../hubs/hub-group-manager.js';
import { HubCallerContext } from '../hubs/hub-caller-context.js';
import { type CallingClient, HubCallerClients } from '../hubs/hub-clients.js';
import type { HubDescriptor, HubMethodDescriptor } from '../hubs/hub-descriptor.js';
import type { HubSender } from '../hubs/hub-sender.js';
import { CallProgress, type ProgressOwner } from '../hubs/progress.js';
import type { HubCallScope } from '../hubs/signalr-hub.js';
import type { Expectation, InvocationRequest, TraceContext } from './invocation-request.js';
import type { HubIncomingContext } from './pipeline-contexts.js';

/** What all calls of a hub share. */
export interface HubParts {
  readonly descriptor: HubDescriptor;
  readonly sender: HubSender;
  readonly groups: HubGroupManager;
}

/** What a call is made from: a request of a client, or a lifecycle event. */
export interface CallDescription extends Omit<InvocationRequest, 'hub'> {
  /** True for `onConnected`: nothing that the client sends is read before it is over. */
  readonly isConnecting?: boolean;
}

const NO_STREAMS: readonly AsyncIterable<unknown>[] = [];

/** One call of a hub method, or one lifecycle event, on its way through the library. */
export class HubCall implements HubCallScope, HubIncomingContext, ProgressOwner, RunningCall, CallingClient {
  readonly context: HubCallerContext;
  readonly state: CallerState;
  /** The method as the client spelled it; empty for lifecycle events. */
  readonly target: string;
  /** What the client sent, in order. */
  args: readonly unknown[];
  /** What the client calls this invocation; undefined if it wants no answer. */
  readonly invocationId: string | undefined;
  readonly expects: Expectation;
  /** Streams of the client, in order. */
  readonly uploads: readonly AsyncIterable<unknown>[];
  isStreaming: boolean;
  private callerClients: HubCallerClients | undefined;
  private callProgress: CallProgress | undefined;
  private canceller: AbortController | undefined;
  private isCancelled = false;

  constructor(
    private readonly parts: HubParts,
    readonly connection: Connection,
    private readonly invocation: CallDescription,
    /** Undefined until the method was found, and for lifecycle events. */
    readonly method: HubMethodDescriptor | undefined,
  ) {
    this.context = new HubCallerContext(connection, invocation.request);
    this.state = invocation.state ?? new CallerState();
    this.target = invocation.target;
    this.args = invocation.args;
    this.invocationId = invocation.invocationId;
    this.expects = invocation.expects;
    this.uploads = invocation.uploads ?? NO_STREAMS;
    this.isStreaming = invocation.expects === 'stream';
  }

  get hub(): HubDescriptor {
    return this.parts.descriptor;
  }

  get groups(): HubGroupManager {
    return this.parts.groups;
  }

  /** Made on first use: many methods call nobody. */
  get clients(): HubCallerClients {
    return (this.callerClients ??= new HubCallerClients(this.parts.sender, this));
  }

  get traceContext(): TraceContext | undefined {
    return this.invocation.traceContext;
  }

  get connectionId(): string {
    return this.connection.id;
  }

  get progressId(): string | undefined {
    return this.expects === 'progress' ? this.invocationId : undefined;
  }

  /** Made on first use: few methods have any. */
  get progress(): CallProgress {
    return (this.callProgress ??= new CallProgress(this.parts.sender, this));
  }

  /** Fires when nobody waits for the outcome any more. Made on first use: few methods ask. */
  get cancellation(): AbortSignal {
    this.canceller ??= new AbortController();
    if (this.isCancelled || this.connection.ended) {
      this.canceller.abort();
    }
    return this.canceller.signal;
  }

  cancel(): void {
    this.isCancelled = true;
    this.canceller?.abort();
  }

  /** The method is going to wait for a client: its own client may go on meanwhile. */
  awaitsClient(): void {
    if (this.invocation.isConnecting === true) {
      throw SignalRError.of('SIGNALR_RESULT_TOO_EARLY');
    }
    this.invocation.slot?.release();
  }

  /** The method has completed: nothing more can be said of its progress. */
  complete(): void {
    this.callProgress?.complete();
  }
}
