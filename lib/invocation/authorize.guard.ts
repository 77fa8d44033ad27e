import type { CanActivate, ExecutionContext } from '@nestjs/common';

import { userName } from '../hubs/user-id-provider.js';
import { SignalRExecutionContext } from './signalr-execution-context.js';

/**
 * Whom `@Authorize` lets in. Lists are separated by commas or given as arrays.
 *
 * @publicApi
 */
export interface AuthorizeOptions {
  /** Names of users, in any case. Default: everybody who is authenticated. */
  users?: string | readonly string[];
  /** Roles, of which a user needs one. Default: none is needed. */
  roles?: string | readonly string[];
  /**
   * False on a hub lets everybody connect and protects its methods alone. Default: true; on a method it cannot be asked
   * for.
   */
  requireOutgoing?: boolean;
}

/**
 * Lets in users who are authenticated, and by name or role if that is asked for (signalr-2 §7.9). Extend it to decide
 * otherwise, and bind it with `@UseGuards(new MyGuard())`.
 *
 * @publicApi
 */
export class AuthorizeGuard implements CanActivate {
  private readonly users: ReadonlySet<string>;
  private readonly roles: ReadonlySet<string>;

  constructor(private readonly options: AuthorizeOptions = {}) {
    this.users = new Set(listOf(options.users).map((user) => user.toLowerCase()));
    this.roles = new Set(listOf(options.roles));
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const signalr = SignalRExecutionContext.create(context);
    if (!signalr.isCall && this.options.requireOutgoing === false) {
      return true;
    }
    // The request while a client connects and the caller during a call carry the user in the same place.
    return this.userAuthorized(context.switchToHttp().getRequest<{ user?: unknown }>().user);
  }

  /** Decides about a user; undefined if nobody is authenticated. A throw fails the call or request. */
  protected userAuthorized(user: unknown): boolean | Promise<boolean> {
    const name = userName(user);
    if (name === undefined) {
      return false;
    }
    const isListed = this.users.size === 0 || this.users.has(name.toLowerCase());
    return isListed && (this.roles.size === 0 || this.rolesOf(user).some((role) => this.roles.has(role)));
  }

  /** The roles of a user. Default: its member `roles` or `role`, a list or a text. */
  protected rolesOf(user: unknown): readonly string[] {
    const { roles, role } = user as { roles?: unknown; role?: unknown };
    return [roles ?? role].flat().filter((name) => typeof name === 'string');
  }
}

function listOf(names: string | readonly string[] | undefined): string[] {
  return (typeof names === 'string' ? names.split(',') : [...(names ?? [])])
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
