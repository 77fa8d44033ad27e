import { connectionTopic, type Topic } from '../messaging/topics.js';
import type { CallerState } from './caller-state.js';
import type { Selection } from './client-proxy.js';
import type { ClientResult, GatherOptions } from './client-results.js';
import type { HubSender } from './hub-sender.js';

/** Clients that are selected by topics. */
export class TopicSelection implements Selection {
  constructor(
    protected readonly sender: HubSender,
    private readonly topics: readonly Topic[],
    private readonly excluded?: readonly string[],
  ) {}

  send(method: string, args: readonly unknown[]): Promise<void> {
    return this.sender.send(this.topics, method, args, this.excluded);
  }

  /** Nobody could answer for several clients: it sends. */
  invoke(method: string, args: readonly unknown[]): Promise<unknown> {
    return this.send(method, args);
  }

  invokeAll(
    method: string,
    args: readonly unknown[],
    options?: GatherOptions,
  ): Promise<readonly ClientResult<unknown>[]> {
    return this.sender.askAll(this.topics, method, args, this.excluded, options);
  }
}

/** A call that asks clients, if it may, and then waits for them. */
export interface AskingCall {
  /** @throws SignalRError SIGNALR_RESULT_TOO_EARLY */
  awaitsClient(): void;
}

/** One client. */
export class SingleSelection extends TopicSelection {
  constructor(
    sender: HubSender,
    private readonly connectionId: string,
    /** The call that it was selected in; undefined outside of hubs. */
    private readonly asking?: AskingCall,
    /** State that travels with calls to a classic caller. */
    private readonly state?: CallerState,
  ) {
    super(sender, [connectionTopic(connectionId)]);
  }

  override send(method: string, args: readonly unknown[]): Promise<void> {
    const topics = [connectionTopic(this.connectionId)];
    return this.sender.send(topics, method, args, undefined, this.state?.changesJson);
  }

  override async invoke(method: string, args: readonly unknown[]): Promise<unknown> {
    this.asking?.awaitsClient();
    return this.sender.ask(this.connectionId, method, args, this.state?.changesJson);
  }
}
