import type { HubRequest } from '../transports/hub-request.js';

/**
 * Decides what `clients.user(id)` calls a user. Provide your own under this token in any module:
 * `{ provide: IUserIdProvider, useClass: EmailUserIdProvider }`.
 *
 * @publicApi
 */
export abstract class IUserIdProvider {
  /**
   * The id of who makes a request, or undefined. Called for each request of classic clients and once per connection of
   * Core clients, before their handshake is answered: with `An unexpected error occurred during connection handshake.` on a
   * throw, with `Handshake was canceled.` if it takes longer than `handshakeTimeout`. For classic clients a throw refuses the
   * request.
   */
  abstract getUserId(request: HubRequest): string | undefined | null | Promise<string | undefined | null>;
}

/** The default: the id of the authenticated user. */
export class DefaultUserIdProvider extends IUserIdProvider {
  override getUserId(request: HubRequest): string | undefined {
    return userName(request.user);
  }
}

const NAME_MEMBERS = ['sub', 'id', 'userId', 'username', 'name', 'email'] as const;

/**
 * What identifies a user that an application has put on its requests: the user itself if it is a text or number, else
 * its first member of `sub`, `id`, `userId`, `username`, `name`, `email`; undefined for anonymous requests.
 */
export function userName(user: unknown): string | undefined {
  if (typeof user === 'string' || typeof user === 'number') {
    return String(user);
  }
  if (typeof user !== 'object' || user === null) {
    return undefined;
  }
  for (const member of NAME_MEMBERS) {
    const value = (user as Record<string, unknown>)[member];
    if ((typeof value === 'string' && value !== '') || typeof value === 'number') {
      return String(value);
    }
  }
  return undefined;
}
