import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Type } from '@nestjs/common';

import { type Admission, ClassGuards } from '../invocation/connect-guard.js';
import type { EnhancedMethod, NestEnhancers } from '../invocation/nest-enhancers.js';
import type { HubRequest } from '../transports/hub-request.js';
import type { SignalRConnectionHandler } from './connection-handler.js';
import type { HandlerOptions } from './connection-handler-options.js';

/** A connection handler of the application, as found at boot. */
export interface ConnectionHandlerDescriptor {
  readonly type: Type;
  /** Where clients find it, with the global prefix if that is used. */
  readonly path: string;
  readonly options: HandlerOptions;
  readonly instance: SignalRConnectionHandler;
  /** Key of the module that provides it. */
  readonly moduleKey: string;
}

/** One connection handler, with the guards that stand before it. */
export class ConnectionHandlerHost {
  private readonly guards: ClassGuards;

  constructor(
    readonly descriptor: ConnectionHandlerDescriptor,
    enhancers: NestEnhancers,
  ) {
    const { type, instance, moduleKey } = descriptor;
    const method = instance.onConnected as EnhancedMethod['method'];
    this.guards = new ClassGuards(type, { instance, method, moduleKey }, enhancers);
  }

  /** Asks the guards of the class, and global ones. */
  admit(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    hubRequest: HubRequest,
  ): Promise<Admission> {
    return this.guards.admit(request, response, hubRequest);
  }
}
