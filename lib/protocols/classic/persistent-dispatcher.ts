import type { Connection } from '../../connections/connection.js';
import type { LifecycleEvent } from '../../invocation/hub-invoker.js';
import type { Message } from '../../messaging/envelope.js';
import { rawGroupTopic, rawTopic, type Topic } from '../../messaging/topics.js';
import type { PersistentConnectionHost } from '../../persistent-connections/persistent-connection-host.js';
import type { HubRequest } from '../../transports/hub-request.js';
import type { Dispatcher } from './application.js';

/** A persistent connection: the same for all of its clients (signalr-2 §7.11). */
export class PersistentDispatcher implements Dispatcher {
  readonly hubNames: readonly string[] = [];
  readonly path: string;
  readonly choosesGroups: boolean;
  private readonly groupPrefix: Topic;

  constructor(private readonly host: PersistentConnectionHost) {
    this.path = host.descriptor.path;
    this.choosesGroups = host.choosesGroups;
    this.groupPrefix = rawGroupTopic(host.descriptor.name, '');
  }

  topicsOf(): Topic[] {
    return [rawTopic(this.host.descriptor.name)];
  }

  groupTopic(qualifiedName: string): Topic | undefined {
    const prefix = `${this.host.descriptor.name}.`;
    return qualifiedName.startsWith(prefix)
      ? this.groupPrefix + qualifiedName.slice(prefix.length)
      : undefined;
  }

  hasGroup(topic: Topic): boolean {
    return topic.startsWith(this.groupPrefix);
  }

  async rejoin(
    connectionId: string,
    groups: readonly Topic[],
    request: HubRequest,
  ): Promise<readonly Topic[]> {
    const names = groups.map((topic) => topic.slice(this.groupPrefix.length));
    const chosen = await this.host.rejoin(connectionId, names, request);
    return chosen.map((name) => this.groupPrefix + name);
  }

  receives(message: Message): boolean {
    return message.type === 'raw';
  }

  raise(connection: Connection, event: LifecycleEvent, request: HubRequest): Promise<void> {
    return this.host.raise(connection, event, request);
  }

  /** Nothing is answered: what the client is to know is sent to it. */
  async dispatch(connection: Connection, data: string, request: HubRequest): Promise<undefined> {
    await this.host.receive(connection, data, request);
    return undefined;
  }
}
