import type { Connection } from '../connections/connection.js';
import type { CallerState } from '../hubs/caller-state.js';
import type { GroupManager } from '../hubs/group-manager.js';
import type { HubCallerContext } from '../hubs/hub-caller-context.js';
import { HubCallerClients } from '../hubs/hub-clients.js';
import type { HubDescriptor, HubMethodDescriptor } from '../hubs/hub-descriptor.js';
import type { HubSender } from '../hubs/hub-sender.js';
import type { HubCallScope } from '../hubs/signalr-hub.js';

/** What all calls of a hub share. */
export interface HubParts {
  readonly descriptor: HubDescriptor;
  readonly sender: HubSender;
  readonly groups: GroupManager;
}

/** One call of a hub method, or one lifecycle event, on its way through the library. */
export class HubCall implements HubCallScope {
  private callerClients: HubCallerClients<never> | undefined;

  constructor(
    private readonly parts: HubParts,
    readonly connection: Connection,
    readonly context: HubCallerContext,
    readonly state: CallerState,
    /** The method as the client spelled it; empty for lifecycle events. */
    readonly target: string,
    /** What the client sent, in order. */
    readonly args: readonly unknown[],
    /** Undefined until the method was found, and for lifecycle events. */
    readonly method: HubMethodDescriptor | undefined,
    /** What the client calls this invocation; undefined if it wants no answer. */
    readonly invocationId: string | undefined,
  ) {}

  get hub(): HubDescriptor {
    return this.parts.descriptor;
  }

  get groups(): GroupManager {
    return this.parts.groups;
  }

  /** Made on first use: many methods call nobody. */
  get clients(): HubCallerClients<never> {
    return (this.callerClients ??= new HubCallerClients<never>(
      this.parts.sender,
      this.connection.id,
      this.state,
    ));
  }
}
