import type { Type } from '@nestjs/common';

import { classTokens } from '../common/class-tokens.js';
import { SignalRError } from '../common/errors.js';
import { toJson } from '../common/json.js';
import { GroupManager } from '../hubs/group-manager.js';
import type { Backplane } from '../messaging/backplane.js';
import { MessageSender } from '../messaging/message-sender.js';
import { connectionTopic, rawGroupTopic, rawTopic, type Topic } from '../messaging/topics.js';

/**
 * Sends values to the clients of a persistent connection. A promise resolves when the backplane has accepted the value,
 * and rejects if it cannot be sent as JSON (signalr-2 §7.11).
 *
 * @publicApi
 */
export interface IConnection {
  /** Sends to one connection, or to several; one that is named twice gets the value twice. */
  send(connectionIds: string | readonly string[], value: unknown): Promise<void>;
  /** Sends to every client but the excluded connections. */
  broadcast(value: unknown, ...excludedConnectionIds: string[]): Promise<void>;
}

/**
 * Reaches the clients of a persistent connection from outside of it: from services, controllers, jobs. Inject it with
 * `@InjectPersistentConnectionContext(MyConnection)`.
 *
 * @publicApi
 */
export interface IPersistentConnectionContext {
  readonly connection: IConnection;
  readonly groups: ConnectionGroupManager;
}

/** Sends the values of one persistent connection. */
export class RawSender extends MessageSender implements IConnection {
  constructor(
    private readonly name: string,
    backplane: Backplane,
  ) {
    super(name, backplane, 'SignalR.PersistentConnection');
  }

  send(connectionIds: string | readonly string[], value: unknown): Promise<void> {
    return this.sendTo(
      [connectionIds].flat().map((id) => connectionTopic(requireText(id))),
      value,
    );
  }

  broadcast(value: unknown, ...excludedConnectionIds: string[]): Promise<void> {
    return this.sendTo([rawTopic(this.name)], value, excludedConnectionIds);
  }

  /** @internal */
  sendTo(topics: readonly Topic[], value: unknown, excluded: readonly string[] = []): Promise<void> {
    try {
      const valueJson = toJson(value, 'A value of', this.name);
      const accepted = this.publish(topics, {
        type: 'raw',
        valueJson,
        ...(excluded.length > 0 && { excluded }),
      });
      return this.reported(accepted, 'send');
    } catch (error) {
      return this.reported(Promise.reject(error as Error), 'send');
    }
  }
}

/**
 * Groups of a persistent connection: as those of hubs, with a way to send (signalr-2 §7.11).
 *
 * @publicApi
 */
export class ConnectionGroupManager extends GroupManager {
  /** @internal */
  constructor(
    private readonly name: string,
    private readonly sender: RawSender,
    backplane: Backplane,
    timeout: number,
  ) {
    super((group) => rawGroupTopic(name, group), backplane, timeout);
  }

  /** Sends a value to the members of a group, or of several; who is in two of them gets it twice. */
  send(
    groups: string | readonly string[],
    value: unknown,
    ...excludedConnectionIds: string[]
  ): Promise<void> {
    const topics = [groups].flat().map((group) => rawGroupTopic(this.name, requireText(group)));
    return this.sender.sendTo(topics, value, excludedConnectionIds);
  }
}

/** The injection token of the context of a persistent connection. */
export const getPersistentConnectionContextToken: (type: Type) => symbol = classTokens(
  (name) => `IPersistentConnectionContext<${name}>`,
);

function requireText(value: unknown): string {
  if (typeof value !== 'string' || value === '') {
    throw SignalRError.of('SIGNALR_ARGUMENT_EMPTY');
  }
  return value;
}
