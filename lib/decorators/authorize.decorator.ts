import { UseGuards } from '@nestjs/common';

import { SignalRError } from '../common/errors.js';
import { AuthorizeGuard, type AuthorizeOptions } from '../invocation/authorize.guard.js';

/**
 * Lets only authenticated users in: on a hub for connecting and for every method, on a method for that one. Several
 * may be stacked, and all of them must agree; derived hubs inherit them (signalr-2 §7.9).
 *
 * @param options users, roles, and whether connecting is protected as well. Default: every authenticated user.
 * @throws SignalRError SIGNALR_AUTHORIZE_METHOD for `requireOutgoing` on a method.
 * @publicApi
 */
export function Authorize(options: AuthorizeOptions = {}): ClassDecorator & MethodDecorator {
  const bind = UseGuards(new AuthorizeGuard(options));
  return (target: object, propertyKey?: string | symbol, descriptor?: PropertyDescriptor) => {
    if (propertyKey === undefined) {
      (bind as ClassDecorator)(target as never);
      return;
    }
    if (options.requireOutgoing === true) {
      throw SignalRError.of('SIGNALR_AUTHORIZE_METHOD');
    }
    (bind as MethodDecorator)(target, propertyKey, descriptor as never);
  };
}
