import type { ClassicTransport } from '../../common/options.js';
import { andThen } from '../../common/promises.js';
import type { Topic } from '../../messaging/topics.js';
import type { HttpAnswer } from '../../transports/http.js';
import type { Dispatcher } from './application.js';
import type { ClassicRequest } from './request.js';
import type { Rejoined } from './membership.js';
import type { Admitted, ClassicServices } from './opening.js';
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

  /** Step 11. @param known the groups of the connection, as far as this process knows it. */
  admit(
    classic: ClassicRequest,
    connectionId: string,
    dispatcher: Dispatcher,
    known: readonly Topic[],
  ): Admitted | Promise<Admitted> {
    return andThen(this.services.userIds.getUserId(classic), (id) => {
      const rejoined =
        classic.isReceive || dispatcher.choosesGroups
          ? this.rejoin(classic, connectionId, dispatcher, known)
          : NO_GROUPS;
      const userId = id ?? undefined;
      return andThen(rejoined, (groups) => ({ connectionId, request: classic, userId, dispatcher, groups }));
    });
  }

  /**
   * A client that comes back brings its groups in a token. What it was a member of when it was last here counts more: a
   * change whose token was lost with the line is known here all the same.
   */
  private rejoin(
    classic: ClassicRequest,
    connectionId: string,
    dispatcher: Dispatcher,
    known: readonly Topic[],
  ): Rejoined | Promise<Rejoined> {
    const offered = known.length > 0 ? known : this.readGroups(classic, connectionId, dispatcher);
    if (offered.length === 0 && !dispatcher.choosesGroups) {
      return NO_GROUPS;
    }
    return andThen(dispatcher.rejoin(connectionId, offered, classic), (chosen) => ({
      // A group that it leaves meanwhile must not come back.
      topics: chosen.filter((topic) => !known.includes(topic)),
      refused: offered.filter((topic) => !chosen.includes(topic)),
    }));
  }

  private readGroups(classic: ClassicRequest, connectionId: string, dispatcher: Dispatcher): Topic[] {
    return this.services.tokens
      .readGroups(classic.value('groupsToken'), connectionId)
      .map((name) => dispatcher.groupTopic(name))
      .filter((topic) => topic !== undefined);
  }
}

const NO_GROUPS: Rejoined = { topics: [], refused: [] };
