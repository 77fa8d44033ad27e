import { SignalRError } from '../common/errors.js';
import type { ClientAnswer } from '../messaging/node-command.js';
import { HubException } from './hub.exception.js';

/** How long to wait for clients. */
export interface GatherOptions {
  /** Milliseconds that all of them have. Default: the option `clientResultTimeout`. */
  readonly deadline?: number;
}

/** What came of one client. */
export type ClientResult<T> =
  | { readonly connectionId: string; readonly status: 'fulfilled'; readonly value: T }
  | { readonly connectionId: string; readonly status: 'rejected'; readonly reason: Error };

/** The result that a client has given. @throws HubException, SignalRError if it has given none (signalr-core §4.12) */
export function resultOf(answer: ClientAnswer, connectionId: string, method: string): unknown {
  switch (answer.type) {
    case 'result':
      return answer.result;
    case 'error':
      throw new HubException(answer.error);
    case 'empty':
      throw new HubException();
    case 'gone':
      throw SignalRError.of('SIGNALR_CONNECTION_LOST', connectionId);
    case 'silent':
      throw SignalRError.of('SIGNALR_CLIENT_SILENT', connectionId, method);
    case 'mute':
      throw SignalRError.of('SIGNALR_CLIENT_MUTE', connectionId);
  }
}
