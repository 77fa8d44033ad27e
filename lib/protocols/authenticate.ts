import type { IncomingMessage } from 'node:http';

import type { ServerOptions } from '../common/options.js';
import type { HubRequest } from '../transports/hub-request.js';

/** The application's `authenticate` option did not accept a request. */
export class AuthenticationError extends Error {
  override readonly name = 'AuthenticationError';
}

/** Puts the user that the `authenticate` option finds on the request, where middleware would put it, and on what hubs see of it. */
export async function authenticate(
  request: IncomingMessage,
  hubRequest: HubRequest,
  find: NonNullable<ServerOptions['authenticate']>,
): Promise<void> {
  try {
    hubRequest.user = await find(request);
    (request as { user?: unknown }).user = hubRequest.user;
  } catch (error) {
    throw new AuthenticationError('authenticate() refused the request', { cause: error });
  }
}
