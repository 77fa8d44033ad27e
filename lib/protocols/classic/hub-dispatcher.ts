import { toError } from '../../common/errors.js';
import { all, allOrFirstFailure, andThen } from '../../common/promises.js';
import { traceSource } from '../../common/trace.js';
import type { Connection } from '../../connections/connection.js';
import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import type { HubInvoker, LifecycleEvent } from '../../invocation/hub-invoker.js';
import type { Message } from '../../messaging/envelope.js';
import { groupTopic, type Topic, topicsOfHubs } from '../../messaging/topics.js';
import type { HubRequest } from '../../transports/hub-request.js';
import type { Dispatcher } from './application.js';
import type { ClassicCalls } from './calls.js';
import { readHubMessage } from './hub-message.js';

/** The hubs that a client has listed and may connect to. */
export class HubDispatcher implements Dispatcher {
  readonly path = undefined;
  private static readonly logger = traceSource('SignalR.HubDispatcher');

  readonly hubNames: readonly string[];

  constructor(
    readonly hubs: readonly HubDescriptor[],
    private readonly invoker: HubInvoker,
    private readonly calls: ClassicCalls,
  ) {
    this.hubNames = hubs.map(({ name }) => name);
  }

  get choosesGroups(): boolean {
    return this.hubs.some((hub) => this.invoker.host(hub).steps.rejoiningGroups !== undefined);
  }

  topicsOf(userId: string | undefined): Topic[] {
    return topicsOfHubs(this.hubNames, userId);
  }

  /** The name of the hub may be spelled in any case. */
  groupTopic(qualifiedName: string): Topic | undefined {
    const dot = qualifiedName.indexOf('.');
    const hubName = qualifiedName.slice(0, dot).toLowerCase();
    const hub = this.hubs.find(({ name }) => name.toLowerCase() === hubName);
    return hub === undefined ? undefined : groupTopic(hub.name, qualifiedName.slice(dot + 1));
  }

  hasGroup(topic: Topic): boolean {
    return this.hubs.some(({ name }) => topic.startsWith(groupTopic(name, '')));
  }

  /** Each hub is asked for its own groups, also if there are none. */
  rejoin(
    _connectionId: string,
    groups: readonly Topic[],
    request: HubRequest,
  ): readonly Topic[] | Promise<readonly Topic[]> {
    const kept = all(this.hubs.map((hub) => this.rejoinHub(hub, groups, request)));
    return andThen(kept, (topics) => topics.flat());
  }

  private rejoinHub(
    hub: HubDescriptor,
    groups: readonly Topic[],
    request: HubRequest,
  ): readonly Topic[] | Promise<readonly Topic[]> {
    const prefix = groupTopic(hub.name, '');
    const own = groups.filter((topic) => topic.startsWith(prefix));
    const step = this.invoker.host(hub).steps.rejoiningGroups;
    if (step === undefined) {
      return own;
    }
    const names = own.map((topic) => topic.slice(prefix.length));
    const chosen = step((_hub, _request, offered) => offered)(hub, request, names);
    return andThen(chosen, (kept) => kept.map((name) => prefix + name));
  }

  /** Only calls of listed hubs; progress belongs to the connection, whatever it has listed (signalr-2 §5.5). */
  receives(message: Message): boolean {
    return (
      message.type === 'progress' ||
      (message.type === 'call' && this.hubs.some(({ name }) => name === message.hub))
    );
  }

  raise(connection: Connection, event: LifecycleEvent, request: HubRequest): Promise<void> {
    const [only] = this.hubs;
    if (only !== undefined && this.hubs.length === 1) {
      return this.invoker.raise(connection, only, event, request);
    }
    const raised = this.hubs.map((hub) => this.invoker.raise(connection, hub, event, request));
    return allOrFirstFailure(raised, (error) =>
      HubDispatcher.logger.error(`${event.name}: another hub failed as well`, toError(error).stack),
    );
  }

  dispatch(connection: Connection, data: string, request: HubRequest): string | Promise<string> {
    return this.calls.run(connection, readHubMessage(data), request);
  }
}
