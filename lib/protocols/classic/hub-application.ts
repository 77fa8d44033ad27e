import type { IncomingMessage, ServerResponse } from 'node:http';

import type { ClassicOptions } from '../../common/options.js';
import { all, andThen } from '../../common/promises.js';
import type { HttpAnswer } from '../../transports/http.js';
import type { ProtocolServices } from '../endpoint.js';
import { Rejected, rejection } from './admission.js';
import type { ClassicApplication } from './application.js';
import { ClassicCalls } from './calls.js';
import { readConnectionData } from './connection-data.js';
import { HubDispatcher } from './hub-dispatcher.js';
import { ProxyScript } from './proxy-script.js';
import type { ClassicRequest } from './request.js';

/** All hubs of the application behind one url. */
export class HubApplication implements ClassicApplication {
  readonly tokenScope = '';
  private readonly calls: ClassicCalls;
  private readonly script: ProxyScript;

  constructor(
    private readonly services: ProtocolServices,
    options: ClassicOptions,
  ) {
    this.calls = new ClassicCalls(options, services.catalog, services.invoker);
    this.script = new ProxyScript(services.catalog, options);
  }

  /** Refused hubs are left out; if none is left, the request is refused (signalr-2 §6.2). */
  authorize(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    classic: ClassicRequest,
  ): HubDispatcher | Promise<HubDispatcher> {
    const { catalog, connectGuard, invoker } = this.services;
    const hubs = readConnectionData(classic.query.get('connectionData'), catalog);
    const asked = all(hubs.map((hub) => connectGuard.admit(hub, request, response, classic)));
    return andThen(asked, (admissions) => {
      // Guards put the user on the request.
      classic.user = (request as { user?: unknown }).user;
      const refused = admissions.find(({ allowed }) => !allowed);
      const allowed = hubs.filter((_, index) => admissions[index]?.allowed);
      if (allowed.length === 0 && refused?.allowed === false) {
        throw new Rejected(rejection(refused.status));
      }
      return new HubDispatcher(allowed, invoker, this.calls);
    });
  }

  dispatcherOf(hubNames: readonly string[]): HubDispatcher {
    const { catalog, invoker } = this.services;
    const hubs = hubNames.map((name) => catalog.find(name)).filter((hub) => hub !== undefined);
    return new HubDispatcher(hubs, invoker, this.calls);
  }

  proxy(classic: ClassicRequest): HttpAnswer | undefined {
    return classic.operation === 'proxy'
      ? this.script.answer(classic.pathUnder(this.services.basePath))
      : undefined;
  }
}
