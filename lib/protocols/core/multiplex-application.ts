import type { IncomingMessage, ServerResponse } from 'node:http';

import type { CoreHubOptions, TransferFormat } from '../../common/core-options.js';
import { all } from '../../common/promises.js';
import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import type { Admission } from '../../invocation/connect-guard.js';
import type { ProtocolServices } from '../endpoint.js';
import type { CoreApplication } from './application.js';
import { CoreCalls } from './calls.js';
import { frameLimit } from './frame-limit.js';
import type { HubProtocol } from './hub-protocol.js';
import { hubProtocolsOf } from './hub-protocols.js';
import { QualifiedCalls } from './qualified-calls.js';
import type { CoreRequest } from './request.js';
import { CoreConnection } from './session.js';
import { SeveralHubs } from './several-hubs.js';
import type { CoreTicket } from './tokens.js';

const NOT_FOUND: Admission = { allowed: false, status: 404 };

/** Several hubs behind one url, where clients may have them all over one connection. */
export interface SharedUrl {
  readonly path: string;
  readonly hubs: readonly HubDescriptor[];
  readonly options: CoreHubOptions;
}

/** Several hubs over one connection: a client names those that it wants in its query, or gets all that let it in. */
export class MultiplexApplication implements CoreApplication {
  readonly name = 'several hubs';
  readonly path: string;
  readonly options: CoreHubOptions;
  readonly transferFormats: readonly TransferFormat[] = ['Text', 'Binary'];
  readonly allowStatefulReconnects: boolean;
  readonly maxPayload: number;
  private readonly hubs: readonly HubDescriptor[];
  private readonly protocols: ReadonlyMap<string, HubProtocol>;
  private readonly qualified: QualifiedCalls;

  constructor(
    { path, hubs, options }: SharedUrl,
    private readonly services: ProtocolServices,
  ) {
    this.path = path;
    this.hubs = hubs;
    this.options = options;
    this.allowStatefulReconnects = options.allowStatefulReconnects;
    this.maxPayload = frameLimit(options);
    this.protocols = hubProtocolsOf('multiplex', options, services.hubProtocols);
    this.qualified = new QualifiedCalls(hubs, this.protocols.values());
  }

  /** Hubs that a client names must all let it in; if it names none, those that refuse it are left out. */
  async admit(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    coreRequest: CoreRequest,
  ): Promise<Admission> {
    const names = namesIn(coreRequest.query.get('hubs'));
    const wanted = names.length === 0 ? this.hubs : this.find(names);
    if (wanted === undefined) {
      return NOT_FOUND;
    }
    const admissions = await all(
      wanted.map((hub) => this.services.connectGuard.admit(hub, request, response, coreRequest)),
    );
    const admitted = wanted.filter((_, index) => admissions[index]?.allowed);
    const refusal = admissions.find(({ allowed }) => !allowed);
    if (refusal !== undefined && (names.length > 0 || admitted.length === 0)) {
      return refusal;
    }
    coreRequest.hubs = admitted;
    return { allowed: true };
  }

  createSession(ticket: CoreTicket, request: CoreRequest, onForgotten: () => void): CoreConnection {
    const { options, services, protocols } = this;
    const hubs = new SeveralHubs(request.hubs ?? [], services.invoker, this.qualified);
    const calls = new CoreCalls(hubs, services.invoker);
    return new CoreConnection(ticket, request, hubs, options, services, calls, protocols, onForgotten);
  }

  /** The hubs of some names, each once; undefined if there is one that does not exist here. */
  private find(names: readonly string[]): readonly HubDescriptor[] | undefined {
    const found = names.map((name) => this.hubs.find((hub) => hub.name.toLowerCase() === name));
    return found.includes(undefined) ? undefined : [...new Set(found as HubDescriptor[])];
  }
}

/** Names are separated by commas, in any case. */
function namesIn(list: string | undefined): readonly string[] {
  return (list ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
}
