import type { IncomingMessage, ServerResponse } from 'node:http';

import type { HttpConnectionOptions, TransferFormat } from '../../common/core-options.js';
import type { Admission } from '../../invocation/connect-guard.js';
import type { HttpSession } from './http-session.js';
import type { CoreRequest } from './request.js';
import type { CoreTicket } from './tokens.js';

/** What a url of Core clients serves: a hub, or a connection handler. */
export interface CoreApplication {
  /** What it is called in the log. */
  readonly name: string;
  /** Where clients find it. Its tokens are worthless anywhere else. */
  readonly path: string;
  readonly options: HttpConnectionOptions;
  /** What its transports carry, as far as they can. */
  readonly transferFormats: readonly TransferFormat[];
  /** True if a client that asks for it may replace a lost socket (signalr-core §2.6). */
  readonly allowStatefulReconnects: boolean;
  /** Largest WebSocket message in bytes; 0 for no limit. */
  readonly maxPayload: number;

  /** Says whether a request is let in; asked before anything else happens. A throw answers 500. */
  admit(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    coreRequest: CoreRequest,
  ): Admission | Promise<Admission>;

  /** Makes the session of a new connection. @param onForgotten to be called once, when nothing keeps it any more. */
  createSession(ticket: CoreTicket, request: CoreRequest, onForgotten: () => void): HttpSession;
}
