import type { IncomingMessage, ServerResponse } from 'node:http';

import type { ClassicTransport } from '../../common/options.js';
import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import { groupTopic, type Topic } from '../../messaging/topics.js';
import type { HttpAnswer } from '../../transports/http.js';
import { readConnectionData } from './connection-data.js';
import type { ClassicRequest } from './request.js';
import type { Admitted, ClassicServices } from './session.js';
import type { ConnectionToken } from './tokens.js';

/** A request that stops at one of the checks. */
export class Rejected extends Error {
  constructor(readonly answer: HttpAnswer) {
    super(answer.body);
  }
}

/** An answer without a content type, as the original gives it to requests that it refuses (signalr-2 §1.4). */
export const rejection = (status: number, body = ''): HttpAnswer => ({ status, body });

/** The checks that a request of a classic client has to pass, by the numbers of signalr-2 §1.1. */
export class Admission {
  constructor(private readonly services: ClassicServices) {}

  /** Step 3: refused hubs are left out; if none is left, the request is refused (signalr-2 §6.2). */
  async authorizeHubs(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    classic: ClassicRequest,
  ): Promise<HubDescriptor[]> {
    const hubs = readConnectionData(classic.query.get('connectionData'), this.services.catalog);
    const admissions = await Promise.all(
      hubs.map((hub) => this.services.connectGuard.admit(hub, request, response)),
    );
    // Guards put the user on the request.
    classic.user = (request as { user?: unknown }).user;
    const refused = admissions.find(({ allowed }) => !allowed);
    const allowed = hubs.filter((_, index) => admissions[index]?.allowed);
    if (allowed.length === 0 && refused?.allowed === false) {
      throw new Rejected(rejection(refused.status));
    }
    return allowed;
  }

  /** Step 7. */
  transportOf({ transportName }: ClassicRequest): ClassicTransport {
    const transport = this.services.classic.transports.find((name) => name.toLowerCase() === transportName);
    if (transport === undefined) {
      throw new Rejected(rejection(400, 'Protocol error: Unknown transport.'));
    }
    return transport;
  }

  /** Steps 8 to 10. */
  checkToken({ query }: ClassicRequest, user: string): ConnectionToken {
    const text = query.get('connectionToken') ?? '';
    if (text === '') {
      throw new Rejected(rejection(400, 'Protocol error: Missing connection token.'));
    }
    const token = this.services.tokens.read(text);
    if (token === undefined || token.connectionId === '') {
      throw new Rejected(rejection(400, 'The ConnectionId is in the incorrect format.'));
    }
    if (token.userName.toLowerCase() !== user.toLowerCase()) {
      throw new Rejected(
        rejection(
          403,
          'Unrecognized user identity.  The user identity cannot change during an active SignalR connection.',
        ),
      );
    }
    return token;
  }

  /** Step 11. */
  async admit(
    classic: ClassicRequest,
    connectionId: string,
    hubs: readonly HubDescriptor[],
  ): Promise<Admitted> {
    const userId = (await this.services.userIds.getUserId(classic)) ?? undefined;
    return {
      connectionId,
      request: classic,
      userId,
      hubs,
      groups: this.readGroups(classic, connectionId, hubs),
    };
  }

  /** The groups of listed hubs in the groups token; the name of the hub may be spelled in any case. */
  private readGroups(classic: ClassicRequest, connectionId: string, hubs: readonly HubDescriptor[]): Topic[] {
    const qualified = this.services.tokens.readGroups(classic.value('groupsToken'), connectionId);
    return qualified.flatMap((name) => {
      const dot = name.indexOf('.');
      const hub = hubs.find((listed) => listed.name.toLowerCase() === name.slice(0, dot).toLowerCase());
      return hub === undefined ? [] : [groupTopic(hub.name, name.slice(dot + 1))];
    });
  }
}
