import { SignalRError } from '../common/errors.js';
import { connectionTopic, groupTopic, hubTopic, type Topic, userTopic } from '../messaging/topics.js';
import type { CallerState } from './caller-state.js';
import { type ClientProxy, clientProxy, type DynamicClient, type SingleClientProxy } from './client-proxy.js';
import { type AskingCall, SingleSelection, TopicSelection } from './client-selection.js';
import type { HubSender } from './hub-sender.js';

/**
 * Selects clients of a hub. Every selector is an immutable value: keep it, pass it on, use it again.
 * Connections, groups and users are compared exactly; sending to nobody is no error (signalr-2 §7.2, signalr-core §7.1).
 *
 * @publicApi
 */
export class HubClients<TClient extends object = DynamicClient> {
  /** @internal */
  constructor(protected readonly sender: HubSender) {}

  /** Every connection of the hub. */
  get all(): ClientProxy<TClient> {
    return this.select([hubTopic(this.sender.hub)]);
  }

  /** Every connection of the hub but these. */
  allExcept(connectionIds: readonly string[]): ClientProxy<TClient> {
    return this.select([hubTopic(this.sender.hub)], requireList(connectionIds));
  }

  /** One connection, which can be asked for results. An empty id is an error. */
  client(connectionId: string): SingleClientProxy<TClient> {
    return clientProxy(new SingleSelection(this.sender, requireText(connectionId)));
  }

  /** Several connections; none for an empty list. A connection named twice gets the message twice. */
  clients(connectionIds: readonly string[]): ClientProxy<TClient> {
    return this.select(requireList(connectionIds).map(connectionTopic));
  }

  /** The members of a group, without the excluded connections. An empty name is an error. */
  group(name: string, ...excludedConnectionIds: string[]): ClientProxy<TClient> {
    return this.select([groupTopic(this.sender.hub, requireText(name))], excludedConnectionIds);
  }

  /** The members of several groups; who is in two of them gets the message twice. */
  groups(names: readonly string[], ...excludedConnectionIds: string[]): ClientProxy<TClient> {
    return this.select(
      requireList(names).map((name) => groupTopic(this.sender.hub, requireText(name))),
      excludedConnectionIds,
    );
  }

  /** Every connection of a user but the excluded ones. */
  user(userId: string, ...excludedConnectionIds: string[]): ClientProxy<TClient> {
    return this.select([userTopic(this.sender.hub, requireText(userId))], excludedConnectionIds);
  }

  /** Every connection of several users but the excluded ones. */
  users(userIds: readonly string[], ...excludedConnectionIds: string[]): ClientProxy<TClient> {
    const topics = requireList(userIds).map((userId) => userTopic(this.sender.hub, userId));
    return this.select(topics, excludedConnectionIds);
  }

  protected select(topics: readonly Topic[], excluded?: readonly string[]): ClientProxy<TClient> {
    return clientProxy(new TopicSelection(this.sender, topics, excluded));
  }
}

/** The call that caller clients belong to. */
export interface CallingClient extends AskingCall {
  readonly connectionId: string;
  readonly state: CallerState;
}

/**
 * What a hub has as `this.clients`: all selectors, and those that start from the caller.
 *
 * @publicApi
 */
export class HubCallerClients<TClient extends object = DynamicClient> extends HubClients<TClient> {
  /** @internal */
  constructor(
    sender: HubSender,
    private readonly call: CallingClient,
  ) {
    super(sender);
  }

  /**
   * The connection that calls, which can be asked for results. Calls to it carry changed {@link callerState} to classic
   * clients.
   */
  get caller(): SingleClientProxy<TClient> {
    const { sender, call } = this;
    return clientProxy(new SingleSelection(sender, call.connectionId, call, call.state));
  }

  override client(connectionId: string): SingleClientProxy<TClient> {
    return clientProxy(new SingleSelection(this.sender, requireText(connectionId), this.call));
  }

  /**
   * State of a classic caller: what it sent can be read, what is assigned travels back to it. Empty for Core clients
   * and in lifecycle events (signalr-2 §6.6).
   */
  get callerState(): Record<string, unknown> {
    return this.call.state.members;
  }

  /** Every connection of the hub but the caller. */
  get others(): ClientProxy<TClient> {
    return this.allExcept([this.call.connectionId]);
  }

  /** The members of a group but the caller. */
  othersInGroup(name: string): ClientProxy<TClient> {
    return this.group(name, this.call.connectionId);
  }

  /** The members of several groups but the caller. */
  othersInGroups(names: readonly string[]): ClientProxy<TClient> {
    return this.groups(names, this.call.connectionId);
  }
}

function requireText(value: unknown): string {
  if (typeof value !== 'string' || value === '') {
    throw SignalRError.of('SIGNALR_ARGUMENT_EMPTY');
  }
  return value;
}

function requireList(value: unknown): readonly string[] {
  if (!Array.isArray(value)) {
    throw SignalRError.of('SIGNALR_ARGUMENT_EMPTY');
  }
  return value as string[];
}
