import type { IncomingMessage, ServerResponse } from 'node:http';

import { type CanActivate, HttpException, type Type } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';

import { andThen } from '../common/promises.js';
import type { HubDescriptor } from '../hubs/hub-descriptor.js';
import type { HubRequest } from '../transports/hub-request.js';
import type { HubHost } from './hub-host.js';
import type { HubInvoker } from './hub-invoker.js';
import type { BuildStep } from './hub-pipeline.js';
import { activate } from './method-runner.js';
import type { EnhancedMethod, NestEnhancers } from './nest-enhancers.js';
import { SIGNALR_CONTEXT } from './signalr-execution-context.js';

/** Whether a client may connect to a hub; a refusal says with which status. */
export type Admission = { readonly allowed: true } | { readonly allowed: false; readonly status: number };

const ALLOWED: Admission = { allowed: true };
const UNAUTHENTICATED = 401;
const FORBIDDEN = 403;

/**
 * Runs the guards of a hub class, and global ones, while clients connect: `switchToHttp().getRequest()` is then the
 * negotiate, upgrade or other request, so guards written for HTTP work unchanged, and the user they set on it becomes
 * the user of the connection.
 */
export class ConnectGuard {
  /** Nest looks guards up in metadata, which costs more than to ask them; those of request-scoped hubs are made anew. */
  private readonly guards = new Map<HubHost, readonly CanActivate[]>();

  constructor(
    private readonly invoker: HubInvoker,
    private readonly enhancers: NestEnhancers,
  ) {}

  /**
   * Pipeline modules are asked first, guards by the last of them (signalr-2 §7.7).
   *
   * @param hubRequest the request as hub code sees it.
   * @returns at once if there is nobody to ask.
   * @throws whatever a guard or module throws that is no refusal: the request then fails with 500.
   */
  admit(
    hub: HubDescriptor,
    request: IncomingMessage,
    response: ServerResponse | undefined,
    hubRequest: HubRequest,
  ): Admission | Promise<Admission> {
    const host = this.invoker.host(hub);
    const { authorizeConnect } = host.steps;
    return authorizeConnect === undefined
      ? this.askGuards(host, request, response)
      : this.askModules(authorizeConnect, host, request, response, hubRequest);
  }

  private async askModules(
    authorizeConnect: BuildStep<'authorizeConnect'>,
    host: HubHost,
    request: IncomingMessage,
    response: ServerResponse | undefined,
    hubRequest: HubRequest,
  ): Promise<Admission> {
    let status = statusFor(request);
    const allowed = await authorizeConnect(async () => {
      const admission = await this.askGuards(host, request, response);
      status = admission.allowed ? status : admission.status;
      return admission.allowed;
    })(host.parts.descriptor, hubRequest);
    return allowed ? ALLOWED : { allowed, status };
  }

  private askGuards(
    host: HubHost,
    request: IncomingMessage,
    response: ServerResponse | undefined,
  ): Admission | Promise<Admission> {
    const hub = host.parts.descriptor;
    return andThen(this.guardsOf(host, request), (guards) =>
      admitByGuards(guards, hub.type, connectHandler(hub), request, response),
    );
  }

  private guardsOf(
    host: HubHost,
    request: IncomingMessage,
  ): readonly CanActivate[] | Promise<readonly CanActivate[]> {
    const handler = connectHandler(host.parts.descriptor);
    if (host.lifetime === 'scoped') {
      return host
        .openScope(request)
        .then(({ contextId }) => this.enhancers.guardsOf(host.describeFor(handler, contextId)));
    }
    let guards = this.guards.get(host);
    if (guards === undefined) {
      // Only now every global guard is known.
      guards = this.enhancers.guardsOf(host.describeFor(handler));
      this.guards.set(host, guards);
    }
    return guards;
  }
}

/** Asks guards about a request of a client that connects. @throws whatever a guard throws that is no refusal */
function admitByGuards(
  guards: readonly CanActivate[],
  type: Type,
  handler: (...args: unknown[]) => unknown,
  request: IncomingMessage,
  response: ServerResponse | undefined,
): Admission | Promise<Admission> {
  return guards.length === 0 ? ALLOWED : askAll(guards, type, handler, request, response);
}

async function askAll(
  guards: readonly CanActivate[],
  type: Type,
  handler: (...args: unknown[]) => unknown,
  request: IncomingMessage,
  response: ServerResponse | undefined,
): Promise<Admission> {
  const context = new ExecutionContextHost([request, response, noNext], type, handler);
  context.setType(SIGNALR_CONTEXT);
  try {
    await activate(guards, context);
    return ALLOWED;
  } catch (error) {
    if (!(error instanceof HttpException)) {
      throw error;
    }
    return { allowed: false, status: statusOf(error, request) };
  }
}

/** The guards of a class that serves clients without hubs, and global ones. */
export class ClassGuards {
  private guards: readonly CanActivate[] | undefined;

  /** @param connecting what `getHandler()` gives: metadata on it applies to connecting. */
  constructor(
    private readonly type: Type,
    private readonly connecting: EnhancedMethod,
    private readonly enhancers: NestEnhancers,
  ) {}

  /**
   * @param hubRequest gets the user that guards find.
   * @throws whatever a guard throws that is no refusal: the request then fails with 500.
   */
  async admit(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    hubRequest: HubRequest,
  ): Promise<Admission> {
    // Only now every global guard is known.
    this.guards ??= this.enhancers.guardsOf(this.connecting);
    const { method } = this.connecting;
    const admission = await admitByGuards(this.guards, this.type, method, request, response);
    hubRequest.user = (request as { user?: unknown }).user;
    return admission;
  }
}

/** What `getHandler()` gives while clients connect: metadata on it applies to connecting. */
function connectHandler(hub: HubDescriptor): (...args: unknown[]) => unknown {
  return (hub.type.prototype as { onConnected: () => unknown }).onConnected;
}

/** A guard that only says no leaves it to SignalR's rule; any other one says with which status it refuses. */
function statusOf(error: HttpException, request: IncomingMessage): number {
  const status = error.getStatus();
  return status === FORBIDDEN ? statusFor(request) : status;
}

/** 403 for who is known, 401 for who is not (signalr-2 §1.6). */
export function statusFor(request: IncomingMessage): number {
  const { user } = request as { user?: unknown };
  return user === undefined || user === null ? UNAUTHENTICATED : FORBIDDEN;
}

function noNext(): void {
  // Guards have no use for it.
}
