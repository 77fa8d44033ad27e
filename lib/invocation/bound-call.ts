import type { HubGroupManager } from '../hubs/hub-group-manager.js';
import type { HubCallerContext } from '../hubs/hub-caller-context.js';
import type { HubCallerClients } from '../hubs/hub-clients.js';
import type { HubDescriptor, HubMethodDescriptor } from '../hubs/hub-descriptor.js';
import type { IProgress } from '../hubs/progress.js';
import type { HubCall } from './hub-call.js';
import type { TraceContext } from './invocation-request.js';
import type { HubIncomingContext } from './pipeline-contexts.js';

/** A call with the arguments that its method gets, as pipeline modules see it. */
export class BoundCall implements HubIncomingContext {
  constructor(
    private readonly call: HubCall,
    public args: readonly unknown[],
    private readonly hubObject: object,
    private readonly run: (...args: unknown[]) => unknown,
  ) {}

  /** The innermost step of the incoming pipeline. It is the same for all calls, so that pipelines are composed once. */
  static async run(this: void, call: HubIncomingContext): Promise<unknown> {
    const { hubObject, run, args } = call as BoundCall;
    return run.apply(hubObject, args as unknown[]);
  }

  get hub(): HubDescriptor {
    return this.call.hub;
  }

  get method(): HubMethodDescriptor | undefined {
    return this.call.method;
  }

  get target(): string {
    return this.call.target;
  }

  get context(): HubCallerContext {
    return this.call.context;
  }

  get clients(): HubCallerClients {
    return this.call.clients;
  }

  get groups(): HubGroupManager {
    return this.call.groups;
  }

  get invocationId(): string | undefined {
    return this.call.invocationId;
  }

  get traceContext(): TraceContext | undefined {
    return this.call.traceContext;
  }

  get isStreaming(): boolean {
    return this.call.isStreaming;
  }

  get cancellation(): AbortSignal {
    return this.call.cancellation;
  }

  get progress(): IProgress<unknown> {
    return this.call.progress;
  }
}
