import type { Connection } from '../connections/connection.js';
import type { CallerState } from '../hubs/caller-state.js';
import type { HubGroupManager } from '../hubs/hub-group-manager.js';
import type { HubCallerContext } from '../hubs/hub-caller-context.js';
import { HubCallerClients } from '../hubs/hub-clients.js';
import type { HubDescriptor, HubMethodDescriptor } from '../hubs/hub-descriptor.js';
import type { HubSender } from '../hubs/hub-sender.js';
import { CallProgress, type ProgressOwner } from '../hubs/progress.js';
import type { HubCallScope } from '../hubs/signalr-hub.js';
import type { HubIncomingContext } from './pipeline-contexts.js';

/** What all calls of a hub share. */
export interface HubParts {
  readonly descriptor: HubDescriptor;
  readonly sender: HubSender;
  readonly groups: HubGroupManager;
}

/** One call of a hub method, or one lifecycle event, on its way through the library. */
export class HubCall implements HubCallScope, HubIncomingContext, ProgressOwner {
  private callerClients: HubCallerClients | undefined;
  private callProgress: CallProgress | undefined;

  constructor(
    private readonly parts: HubParts,
    readonly connection: Connection,
    readonly context: HubCallerContext,
    readonly state: CallerState,
    /** The method as the client spelled it; empty for lifecycle events. */
    readonly target: string,
    /** What the client sent, in order. */
    public args: readonly unknown[],
    /** Undefined until the method was found, and for lifecycle events. */
    readonly method: HubMethodDescriptor | undefined,
    /** What the client calls this invocation; undefined if it wants no answer. */
    readonly invocationId: string | undefined,
    /** True if the client takes progress reports; it then gets streams as such. */
    readonly takesProgress: boolean,
  ) {}

  get hub(): HubDescriptor {
    return this.parts.descriptor;
  }

  get groups(): HubGroupManager {
    return this.parts.groups;
  }

  /** Made on first use: many methods call nobody. */
  get clients(): HubCallerClients {
    return (this.callerClients ??= new HubCallerClients(this.parts.sender, this.connection.id, this.state));
  }

  get connectionId(): string {
    return this.connection.id;
  }

  get progressId(): string | undefined {
    return this.takesProgress ? this.invocationId : undefined;
  }

  /** Made on first use: few methods have any. */
  get progress(): CallProgress {
    return (this.callProgress ??= new CallProgress(this.parts.sender, this));
  }

  /** The method has completed: nothing more can be said of its progress. */
  complete(): void {
    this.callProgress?.complete();
  }
}
