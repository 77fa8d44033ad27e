import type { ClassicOptions } from '../../common/options.js';
import type { HubRequest } from '../../transports/hub-request.js';
import type { ProtocolServices } from '../endpoint.js';
import type { Dispatcher } from './application.js';
import type { DismissedConnections } from './dismissed.js';
import type { LeftBehind } from './left-behind.js';
import type { Rejoined } from './membership.js';
import type { ClassicTokens } from './tokens.js';

/** What all classic connections share. */
export interface ClassicServices extends ProtocolServices {
  readonly classic: ClassicOptions;
  readonly tokens: ClassicTokens;
  readonly dismissed: DismissedConnections;
  readonly leftBehind: LeftBehind;
}

/** What a request that passed all checks says of its client. */
export interface Admitted {
  readonly connectionId: string;
  readonly request: HubRequest;
  readonly userId: string | undefined;
  /** What the client is connected to. */
  readonly dispatcher: Dispatcher;
  readonly groups: Rejoined;
}

/** How a client opens a channel. */
export interface Opening extends Admitted {
  /** A new connection, one that comes back, or the next poll of one that never was away. */
  readonly kind: 'connect' | 'reconnect' | 'poll';
  /** True for a new connection whose `onConnected` has to wait for `/start`. */
  readonly startsSeparately: boolean;
  /** The last cursor that the client has seen. */
  readonly messageId: string | undefined;
}
