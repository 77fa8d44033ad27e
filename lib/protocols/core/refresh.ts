import { userName } from '../../hubs/user-id-provider.js';
import type { HttpAnswer } from '../../transports/http.js';
import type { Found } from './connection-table.js';
import { json } from './negotiate.js';
import type { CoreRequest } from './request.js';

const refusal = (status: number, error: string): HttpAnswer => json({ error }, status);

export const REFRESH_DISABLED = refusal(404, 'refresh_disabled');

/**
 * Takes the new authentication of a request for a connection that goes on; guards have accepted it (signalr-core appendix B).
 *
 * @param now wall clock in milliseconds.
 */
export function refreshAuthentication(found: Found, request: CoreRequest, now: number): HttpAnswer {
  if ((request.query.get('id') ?? '') === '') {
    return refusal(400, 'missing_connection_token');
  }
  const { ticket, connection } = found;
  if (ticket === undefined || connection === undefined || connection.session.ended) {
    return refusal(404, 'connection_not_found');
  }
  if (ticket.token === ticket.connectionId) {
    return refusal(400, 'unsupported_negotiate_version');
  }
  if (userName(request.user) === undefined) {
    return refusal(401, 'invalid_token');
  }
  if (!connection.belongsTo(request)) {
    return refusal(403, 'permission_change_rejected');
  }
  connection.session.refreshed(request);
  const { expiresAt } = request;
  return json(expiresAt === undefined ? {} : { tokenLifetimeSeconds: Math.floor((expiresAt - now) / 1_000) });
}
