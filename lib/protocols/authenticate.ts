import type { IncomingMessage } from 'node:http';

import type { ServerOptions } from '../common/options.js';

/** The application's `authenticate` option did not accept a request. */
export class AuthenticationError extends Error {
  override readonly name = 'AuthenticationError';
}

/** Puts the user that the `authenticate` option finds on the request, where middleware would put it. */
export async function authenticate(request: IncomingMessage, options: ServerOptions): Promise<void> {
  if (options.authenticate === undefined) {
    return;
  }
  try {
    (request as { user?: unknown }).user = await options.authenticate(request);
  } catch (error) {
    throw new AuthenticationError('authenticate() refused the request', { cause: error });
  }
}
