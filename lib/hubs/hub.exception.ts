import { WsException } from '@nestjs/websockets';

/**
 * The error to throw in hub code when the client may read its text: it reaches the caller in full, also while
 * `enableDetailedErrors` is off (signalr-2 §6.7, signalr-core §4.9). It extends `WsException`, so filters written for
 * gateways catch it.
 *
 * @publicApi
 */
export class HubException extends WsException {
  /**
   * @param message what the client gets to read.
   * @param data extra data for classic clients (`error.data` in JavaScript, `ErrorData` in .NET). Default: none.
   */
  constructor(
    message = `Exception of type 'HubException' was thrown.`,
    readonly data?: unknown,
  ) {
    super(message);
  }
}
