import type { IncomingMessage, ServerResponse } from 'node:http';

import type { ClassicOptions } from '../../common/options.js';
import { all, andThen } from '../../common/promises.js';
import { RecentValues } from '../../common/recent-values.js';
import type { HttpAnswer } from '../../transports/http.js';
import type { ProtocolServices } from '../endpoint.js';
import { Rejected, rejection } from './admission.js';
import type { ClassicApplication } from './application.js';
import { ClassicCalls } from './calls.js';
import { readConnectionData } from './connection-data.js';
import { HubDispatcher } from './hub-dispatcher.js';
import { ProxyScript } from './proxy-script.js';
import type { ClassicRequest } from './request.js';

/** How many different lists of hubs are remembered; at most twice as many. Longer ones, in characters, are read each time. */
const REMEMBERED_LISTS = 100;
const LONGEST_REMEMBERED = 1_000;

/** All hubs of the application behind one url. */
export class HubApplication implements ClassicApplication {
  readonly tokenScope = '';
  private readonly calls: ClassicCalls;
  private readonly script: ProxyScript;
  /** What clients list is the same for all clients of one kind, and comes with each request. */
  private readonly listed = new RecentValues<string, HubDispatcher>(REMEMBERED_LISTS);

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
    const { connectGuard, invoker } = this.services;
    const listed = this.read(classic.query.get('connectionData') ?? '');
    const { hubs } = listed;
    const asked = all(hubs.map((hub) => connectGuard.admit(hub, request, response, classic)));
    return andThen(asked, (admissions) => {
      // Guards put the user on the request.
      classic.user = (request as { user?: unknown }).user;
      const refused = admissions.find(({ allowed }) => !allowed);
      if (refused === undefined || refused.allowed) {
        return listed;
      }
      const allowed = hubs.filter((_, index) => admissions[index]?.allowed);
      if (allowed.length === 0) {
        throw new Rejected(rejection(refused.status));
      }
      return new HubDispatcher(allowed, invoker, this.calls);
    });
  }

  private read(connectionData: string): HubDispatcher {
    const { catalog, invoker } = this.services;
    const known = this.listed.get(connectionData);
    if (known !== undefined) {
      return known;
    }
    const read = new HubDispatcher(readConnectionData(connectionData, catalog), invoker, this.calls);
    if (connectionData.length <= LONGEST_REMEMBERED) {
      this.listed.set(connectionData, read);
    }
    return read;
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
