import { type ExecutionContext, Injectable } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { HubException, SignalRExecutionContext } from 'nestjs-signalr';

/**
 * The guard of the Nest guide. It runs while a client connects, and again on every call, with the token that the connection
 * came with: a connection outlives its token, but it cannot act any more.
 */
@Injectable()
export class JwtAuthGuard extends AuthGuard('jwt') {
  /** Without this a caller would read no more than that there was an error. */
  override handleRequest<User>(
    error: unknown,
    user: User | false,
    info: Error | undefined,
    context: ExecutionContext,
  ): User {
    if (info?.name === 'TokenExpiredError' && SignalRExecutionContext.create(context).isCall) {
      throw new HubException('Your token has expired.', { reason: 'expired' });
    }
    return super.handleRequest(error, user, info, context);
  }
}
