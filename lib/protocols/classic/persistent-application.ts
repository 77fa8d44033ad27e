import type { IncomingMessage, ServerResponse } from 'node:http';

import type { PersistentConnectionHost } from '../../persistent-connections/persistent-connection-host.js';
import { Rejected, rejection } from './admission.js';
import type { ClassicApplication, Dispatcher } from './application.js';
import { PersistentDispatcher } from './persistent-dispatcher.js';
import type { ClassicRequest } from './request.js';

/** One persistent connection behind a url of its own. */
export class PersistentApplication implements ClassicApplication {
  readonly tokenScope: string;
  private readonly dispatcher: Dispatcher;

  constructor(private readonly host: PersistentConnectionHost) {
    this.tokenScope = `:${host.descriptor.path}`;
    this.dispatcher = new PersistentDispatcher(host);
  }

  async authorize(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    classic: ClassicRequest,
  ): Promise<Dispatcher> {
    const admission = await this.host.admit(request, response, classic);
    if (!admission.allowed) {
      throw new Rejected(rejection(admission.status));
    }
    return this.dispatcher;
  }

  dispatcherOf(): Dispatcher {
    return this.dispatcher;
  }

  /** There are no hubs to generate a proxy for. */
  proxy(): undefined {
    return undefined;
  }
}
