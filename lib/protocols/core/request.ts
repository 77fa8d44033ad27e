import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import { HubRequest } from '../../transports/hub-request.js';

/** A request of a Core client. */
export class CoreRequest extends HubRequest {
  /** Who a new connection of it counts for; only asked for if that matters, because hubs ask again after the handshake. */
  countedUser: string | undefined;
  /** The hubs whose guards have let it in, at a url that several hubs share. */
  hubs: readonly HubDescriptor[] | undefined;
  /** When its authentication expires, by the wall clock; only asked for if that matters. */
  expiresAt: number | undefined;
}
