import type { Type } from '@nestjs/common';

import type { Connection } from '../connections/connection.js';
import { CallerState } from '../hubs/caller-state.js';
import { HubCallerClients, HubClients } from '../hubs/hub-clients.js';
import { HubCallerContext } from '../hubs/hub-caller-context.js';
import { HubConnections } from '../hubs/hub-connections.js';
import type { ClientOf, IHubContext } from '../hubs/hub-context.js';
import { HubGroupManager } from '../hubs/hub-group-manager.js';
import { hubName } from '../hubs/hub.metadata.js';
import { HubSender } from '../hubs/hub-sender.js';
import { HUB_CALL, type SignalRHub } from '../hubs/signalr-hub.js';
import { userName } from '../hubs/user-id-provider.js';
import type { HubRequest } from '../transports/hub-request.js';
import { CORE_QUERY, parseQuery } from '../transports/query.js';
import { RecordingBackplane, type SentCall } from './recording-backplane.js';

const TIMEOUT = 1_000;

/**
 * Stands in for the clients of a hub in unit tests of services and hubs, without an application: selectors and groups are the real
 * ones, and what they send is recorded.
 *
 * @publicApi
 */
export class RecordingHub<THub extends SignalRHub> {
  /** What `@InjectHubContext(Hub)` would inject. */
  readonly context: IHubContext<THub>;
  private readonly backplane: RecordingBackplane;
  private readonly sender: HubSender;
  private readonly groups: HubGroupManager;

  constructor(hub: Type<THub>) {
    const name = hubName(hub);
    this.backplane = new RecordingBackplane(name);
    this.sender = new HubSender(name, this.backplane);
    this.groups = new HubGroupManager(name, this.backplane, TIMEOUT);
    this.context = {
      clients: new HubClients<ClientOf<THub>>(this.sender),
      groups: this.groups,
      connections: new HubConnections(name, this.backplane, TIMEOUT),
    };
  }

  /** Every call of a client method so far, oldest first, with arguments as clients would get them. */
  get sent(): readonly SentCall[] {
    return this.backplane.sent;
  }

  /** What has happened to groups so far, oldest first: `add c1 lobby`, `remove c1 lobby`. */
  get groupChanges(): readonly string[] {
    return this.backplane.groupChanges;
  }

  /** What clients answer when they are asked for a result. Default: they are not there. */
  answer(connectionId: string, method: string, result: unknown): this {
    this.backplane.answer(connectionId, method, result);
    return this;
  }

  /**
   * Makes a hub object behave as in a call: `this.context`, `this.clients` and `this.groups` are there.
   *
   * @returns the same object.
   */
  call(hub: THub, caller: FakeCaller = {}): THub {
    const connectionId = caller.connectionId ?? 'caller';
    const state = new CallerState(new Map(Object.entries(caller.state ?? {})));
    const owner = { connectionId, state, awaitsClient: () => undefined };
    hub[HUB_CALL] = {
      context: contextOf(connectionId, caller),
      clients: new HubCallerClients(this.sender, owner),
      groups: this.groups,
    };
    return hub;
  }
}

/** Who calls a hub in a unit test. */
export interface FakeCaller {
  /** Default: `caller`. */
  readonly connectionId?: string;
  /** `context.user`. Default: nobody. */
  readonly user?: unknown;
  /** `context.userIdentifier`. Default: what the default `IUserIdProvider` makes of the user. */
  readonly userIdentifier?: string;
  /** `context.queryString`. Default: empty. */
  readonly query?: Readonly<Record<string, string>>;
  /** `context.headers`. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** State that a classic caller has sent. Default: none. */
  readonly state?: Readonly<Record<string, unknown>>;
}

function contextOf(id: string, caller: FakeCaller): HubCallerContext {
  const { user, userIdentifier = userName(user), query = {}, headers = {} } = caller;
  const connection = {
    id,
    userId: userIdentifier,
    items: new Map(),
    transport: 'webSockets',
    protocol: 'core',
    aborted: new AbortController().signal,
    latestUser: user,
    disconnect: () => undefined,
  } as unknown as Connection;
  const request = {
    url: '/',
    headers,
    remoteAddress: '127.0.0.1',
    user,
    query: parseQuery(new URLSearchParams(query).toString(), CORE_QUERY),
  } as unknown as HubRequest;
  return new HubCallerContext(connection, request);
}
