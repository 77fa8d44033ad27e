import type { IncomingMessage } from 'node:http';

import type { ServerOptions } from '../common/options.js';
import type { HubRequest } from '../transports/hub-request.js';
import { adoptAccessToken } from './access-token.js';

/** The application's `authenticate` option did not accept a request. */
export class AuthenticationError extends Error {
  override readonly name = 'AuthenticationError';
}

/**
 * Serves a request when everything is where guards and hubs look for it: at once, unless the `authenticate` option has to say who
 * is asking.
 *
 * @param hubRequest the request as hubs get to see it.
 * @throws (or rejects with) AuthenticationError if the option does not accept it
 */
export function serveAuthenticated<Request extends HubRequest, Answer>(
  request: IncomingMessage,
  hubRequest: Request,
  { authenticate }: ServerOptions,
  serve: (hubRequest: Request) => Answer | Promise<Answer>,
): Answer | Promise<Answer> {
  adoptAccessToken(request, hubRequest);
  return authenticate === undefined
    ? serve(hubRequest)
    : findUser(request, hubRequest, authenticate).then(() => serve(hubRequest));
}

/** Puts the user on the request, where middleware would put it, and on what hubs see of it. */
async function findUser(
  request: IncomingMessage,
  hubRequest: HubRequest,
  authenticate: NonNullable<ServerOptions['authenticate']>,
): Promise<void> {
  try {
    hubRequest.user = await authenticate(request);
    (request as { user?: unknown }).user = hubRequest.user;
  } catch (error) {
    throw new AuthenticationError('authenticate() refused the request', { cause: error });
  }
}
