import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Connection } from '../../connections/connection.js';
import type { LifecycleEvent } from '../../invocation/hub-invoker.js';
import type { Message } from '../../messaging/envelope.js';
import type { Topic } from '../../messaging/topics.js';
import type { HttpAnswer } from '../../transports/http.js';
import type { HubRequest } from '../../transports/hub-request.js';
import type { ClassicRequest } from './request.js';

/** What a classic url serves: the hubs of the application, or one persistent connection. */
export interface ClassicApplication {
  /** What its tokens are good for: those of one url are worthless at another. Empty for hubs. */
  readonly tokenScope: string;
  /**
   * Step 3 of signalr-2 §1.1: finds what a client may connect to.
   *
   * @throws Rejected if that is nothing.
   */
  authorize(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    classic: ClassicRequest,
  ): Dispatcher | Promise<Dispatcher>;
  /** What a client is connected to that another node has let through, by the names of its hubs. */
  dispatcherOf(hubNames: readonly string[]): Dispatcher;
  /** Step 4: the generated proxy, if there is one at this path. */
  proxy(classic: ClassicRequest): HttpAnswer | undefined;
}

/** What one client is connected to. Each request of the client makes it anew, because it may list other hubs. */
export interface Dispatcher {
  /** Canonical names of its hubs, for the directory. */
  readonly hubNames: readonly string[];
  /** Path of the persistent connection; undefined for hubs. */
  readonly path: string | undefined;
  /** True if it wants to see groups also on requests that rejoin none. */
  readonly choosesGroups: boolean;
  /** What a connection is subscribed to besides its own topic. */
  topicsOf(userId: string | undefined): Topic[];
  /** The topic of a group, by its name in a groups token; undefined if it is none of this client's. */
  groupTopic(qualifiedName: string): Topic | undefined;
  /** True for the topics of groups that its clients can be in. */
  hasGroup(topic: Topic): boolean;
  /** Which groups a client that comes back gets again (signalr-2 §3.3). */
  rejoin(
    connectionId: string,
    groups: readonly Topic[],
    request: HubRequest,
  ): readonly Topic[] | Promise<readonly Topic[]>;
  /** True for messages that a client gets over its own topic. */
  receives(message: Message): boolean;
  /** Tells the application of an event. Resolves when all of it has run; rejects with the first failure. */
  raise(connection: Connection, event: LifecycleEvent, request: HubRequest): Promise<void>;
  /**
   * Hands on what a client has sent, and gives the answer, if there is one.
   *
   * @param request the request that carried it.
   * @throws BadClassicRequest for what cannot be understood.
   */
  dispatch(
    connection: Connection,
    data: string,
    request: HubRequest,
  ): string | undefined | Promise<string | undefined>;
}
