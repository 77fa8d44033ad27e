import type { IncomingMessage, ServerResponse } from 'node:http';

import type { TransferFormat } from '../../common/core-options.js';
import type { ConnectionHandlerHost } from '../../connection-handlers/connection-handler-host.js';
import type { HandlerOptions } from '../../connection-handlers/connection-handler-options.js';
import type { Admission } from '../../invocation/connect-guard.js';
import type { ProtocolServices } from '../endpoint.js';
import type { CoreApplication } from './application.js';
import { HandlerConnection } from './handler-session.js';
import type { CoreRequest } from './request.js';
import type { CoreTicket } from './tokens.js';

/** One connection handler behind a url of its own. */
export class HandlerApplication implements CoreApplication {
  readonly name: string;
  readonly path: string;
  readonly options: HandlerOptions;
  readonly transferFormats: readonly TransferFormat[];
  /** The application would have to count what it sends, as hub protocols do. */
  readonly allowStatefulReconnects = false;
  readonly maxPayload: number;

  constructor(
    private readonly host: ConnectionHandlerHost,
    private readonly services: ProtocolServices,
  ) {
    const { type, path, options } = host.descriptor;
    this.name = `connection handler ${type.name}`;
    this.path = path;
    this.options = options;
    // The clients of the original ask for bytes unless told otherwise, and read texts as such: they are let in.
    this.transferFormats = options.transferFormat === 'Binary' ? ['Binary'] : ['Text', 'Binary'];
    this.maxPayload = options.maximumWebSocketMessageSize ?? 0;
  }

  admit(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    coreRequest: CoreRequest,
  ): Promise<Admission> {
    return this.host.admit(request, response, coreRequest);
  }

  createSession(ticket: CoreTicket, request: CoreRequest, onForgotten: () => void): HandlerConnection {
    return new HandlerConnection(ticket, request, this.host.descriptor, this.services, onForgotten);
  }
}
