import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Type } from '@nestjs/common';

import type { Connection } from '../connections/connection.js';
import { type Admission, ClassGuards, statusFor } from '../invocation/connect-guard.js';
import type { LifecycleEvent } from '../invocation/hub-invoker.js';
import type { EnhancedMethod, NestEnhancers } from '../invocation/nest-enhancers.js';
import type { HubRequest } from '../transports/hub-request.js';
import { SignalRPersistentConnection } from './persistent-connection.js';

/** A persistent connection of the application, as found at boot. */
export interface PersistentConnectionDescriptor {
  readonly type: Type;
  /** What it is called in topics and groups tokens. */
  readonly name: string;
  /** Where clients find it, with the global prefix if that is used. */
  readonly path: string;
  readonly instance: SignalRPersistentConnection;
  /** Key of the module that provides it. */
  readonly moduleKey: string;
}

/** Runs one persistent connection. */
export class PersistentConnectionHost {
  /** True if the class has a say in which groups its clients get again. */
  readonly choosesGroups: boolean;
  private readonly guards: ClassGuards;

  constructor(
    readonly descriptor: PersistentConnectionDescriptor,
    enhancers: NestEnhancers,
  ) {
    const { type, instance, moduleKey } = descriptor;
    const { onRejoiningGroups } = instance;
    const method = instance.onConnected as EnhancedMethod['method'];
    this.guards = new ClassGuards(type, { instance, method, moduleKey }, enhancers);
    this.choosesGroups = onRejoiningGroups !== SignalRPersistentConnection.prototype.onRejoiningGroups;
  }

  /** Asks the guards of the class, and then the class itself. */
  async admit(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    hubRequest: HubRequest,
  ): Promise<Admission> {
    const admission = await this.guards.admit(request, response, hubRequest);
    if (!admission.allowed || (await this.descriptor.instance.authorizeRequest(hubRequest))) {
      return admission;
    }
    return { allowed: false, status: statusFor(request) };
  }

  async raise({ id }: Connection, event: LifecycleEvent, request: HubRequest): Promise<void> {
    const { instance } = this.descriptor;
    if (event.name === 'onDisconnected') {
      await instance.onDisconnected(request, id, event.args[0]);
    } else {
      await instance[event.name](request, id);
    }
  }

  async receive({ id }: Connection, data: string, request: HubRequest): Promise<void> {
    await this.descriptor.instance.onReceived(request, id, data);
  }

  async rejoin(
    connectionId: string,
    groups: readonly string[],
    request: HubRequest,
  ): Promise<readonly string[]> {
    return this.descriptor.instance.onRejoiningGroups(request, groups, connectionId);
  }
}
