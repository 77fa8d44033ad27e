import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { HubException, SignalRExecutionContext } from 'nestjs-signalr';
import type { Member } from '../auth/tokens.js';

/** A connection outlives its token. This guard does not let it act any more: the token of the connection has to be fresh. */
@Injectable()
export class FreshTokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { user } = SignalRExecutionContext.create(context).caller;
    if ((user as Member).exp * 1_000 <= Date.now()) {
      throw new HubException('Your token has expired.', { reason: 'expired' });
    }
    return true;
  }
}
