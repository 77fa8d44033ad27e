import type { IncomingMessage, ServerResponse } from 'node:http';

import type { CoreHubOptions, TransferFormat } from '../../common/core-options.js';
import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import type { Admission } from '../../invocation/connect-guard.js';
import type { ProtocolServices } from '../endpoint.js';
import type { CoreApplication } from './application.js';
import { CoreCalls } from './calls.js';
import type { HubProtocol } from './hub-protocol.js';
import { hubProtocolsOf } from './hub-protocols.js';
import type { CoreRequest } from './request.js';
import { CoreConnection } from './session.js';
import type { CoreTicket } from './tokens.js';

/** Smallest limit of a WebSocket message: messages are limited one by one, and a frame may hold many of them. */
const MINIMUM_FRAME_LIMIT = 1_048_576;

/** One hub behind a url of its own. */
export class CoreHubApplication implements CoreApplication {
  readonly name: string;
  readonly path: string;
  readonly options: CoreHubOptions;
  readonly transferFormats: readonly TransferFormat[] = ['Text', 'Binary'];
  readonly allowStatefulReconnects: boolean;
  readonly maxPayload: number;
  private readonly calls: CoreCalls;
  private readonly protocols: ReadonlyMap<string, HubProtocol>;

  constructor(
    private readonly hub: HubDescriptor,
    private readonly services: ProtocolServices,
  ) {
    const options = hub.coreOptions as CoreHubOptions;
    const { maximumReceiveMessageSize } = options;
    this.name = `hub ${hub.name}`;
    this.path = hub.path;
    this.options = options;
    this.allowStatefulReconnects = options.allowStatefulReconnects;
    this.maxPayload =
      maximumReceiveMessageSize === null ? 0 : Math.max(MINIMUM_FRAME_LIMIT, 2 * maximumReceiveMessageSize);
    this.calls = new CoreCalls(hub, options, services.invoker);
    this.protocols = hubProtocolsOf(hub, services.hubProtocols);
  }

  admit(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    coreRequest: CoreRequest,
  ): Promise<Admission> {
    return this.services.connectGuard.admit(this.hub, request, response, coreRequest);
  }

  createSession(ticket: CoreTicket, request: CoreRequest, onForgotten: () => void): CoreConnection {
    const { hub, options, services, calls, protocols } = this;
    return new CoreConnection(ticket, request, hub, options, services, calls, protocols, onForgotten);
  }
}
