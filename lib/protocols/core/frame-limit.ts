import type { CoreHubOptions } from '../../common/core-options.js';

/** Smallest limit of a WebSocket message: messages are limited one by one, and a frame may hold many of them. */
const MINIMUM_FRAME_LIMIT = 1_048_576;

/** Largest WebSocket message of a client in bytes; 0 for no limit. */
export function frameLimit({ maximumReceiveMessageSize: limit }: CoreHubOptions): number {
  return limit === null ? 0 : Math.max(MINIMUM_FRAME_LIMIT, 2 * limit);
}
