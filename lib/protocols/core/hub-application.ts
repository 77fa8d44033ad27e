import type { IncomingMessage, ServerResponse } from 'node:http';

import type { CoreHubOptions, TransferFormat } from '../../common/core-options.js';
import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import type { Admission } from '../../invocation/connect-guard.js';
import type { ProtocolServices } from '../endpoint.js';
import type { CoreApplication } from './application.js';
import { CoreCalls } from './calls.js';
import { SingleHub } from './connected-hubs.js';
import type { HubProtocol } from './hub-protocol.js';
import { frameLimit } from './frame-limit.js';
import { hubProtocolsOf } from './hub-protocols.js';
import type { CoreRequest } from './request.js';
import { CoreConnection } from './session.js';
import type { CoreTicket } from './tokens.js';

/** One hub behind a url of its own. */
export class CoreHubApplication implements CoreApplication {
  readonly name: string;
  readonly path: string;
  readonly options: CoreHubOptions;
  readonly transferFormats: readonly TransferFormat[] = ['Text', 'Binary'];
  readonly allowStatefulReconnects: boolean;
  readonly maxPayload: number;
  private readonly hubs: SingleHub;
  private readonly calls: CoreCalls;
  private readonly protocols: ReadonlyMap<string, HubProtocol>;

  constructor(
    private readonly hub: HubDescriptor,
    private readonly services: ProtocolServices,
  ) {
    const options = hub.coreOptions as CoreHubOptions;
    this.name = `hub ${hub.name}`;
    this.path = hub.path;
    this.options = options;
    this.allowStatefulReconnects = options.allowStatefulReconnects;
    this.maxPayload = frameLimit(options);
    this.hubs = new SingleHub(hub, services.invoker);
    this.calls = new CoreCalls(this.hubs, services.invoker);
    this.protocols = hubProtocolsOf(this.name, options, services.hubProtocols);
  }

  admit(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    coreRequest: CoreRequest,
  ): Admission | Promise<Admission> {
    return this.services.connectGuard.admit(this.hub, request, response, coreRequest);
  }

  createSession(ticket: CoreTicket, request: CoreRequest, onForgotten: () => void): CoreConnection {
    const { hubs, options, services, calls, protocols } = this;
    return new CoreConnection(ticket, request, hubs, options, services, calls, protocols, onForgotten);
  }
}
