import type { Type } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { ContextIdFactory, type ContextId, ModuleRef } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';

import { toError } from '../common/errors.js';
import { andThen, DONE, isThenable, lastly, recover } from '../common/promises.js';
import { whenSettled } from '../common/streams.js';
import { traceSource } from '../common/trace.js';
import type { HubMethodDescriptor } from '../hubs/hub-descriptor.js';
import { HUB_CALL, SignalRHub } from '../hubs/signalr-hub.js';
import type { HubCall, HubParts } from './hub-call.js';
import type { HubPipelineSteps } from './hub-pipeline.js';
import { authorize, compileMethod, type HubObject, type RunMethod } from './method-runner.js';
import type { EnhancedMethod, NestEnhancers } from './nest-enhancers.js';
import { planParameters } from './parameter-plan.js';
import { callArguments, SIGNALR_CONTEXT } from './signalr-execution-context.js';

/** How a hub gets its object for a call. */
type HubLifetime =
  /** An object derived from the singleton: costs nothing, shares what the constructor made. */
  | 'derived'
  /** A new instance with the dependencies of the singleton: for classes with `#private` members, which no other object may touch. */
  | 'created'
  /** A new instance with a context of its own: for request-scoped and transient hubs, or request-scoped enhancers. */
  | 'scoped';

type LifecycleName = 'onConnected' | 'onReconnected' | 'onAuthenticationRefreshed' | 'onDisconnected';

/** Raises each event through the pipeline modules. */
type Raisers = Readonly<Record<LifecycleName, (call: HubCall) => Promise<void>>>;

/** One hub as a provider of the application: makes its objects and runs its methods. */
export class HubHost {
  readonly lifetime: HubLifetime;
  private readonly type: Type;
  private readonly compiled = new Map<HubMethodDescriptor, RunMethod>();
  private readonly logger = traceSource('SignalR.HubDispatcher');
  /** False for hubs that have nothing to dispose of, which then costs nothing. */
  private readonly disposes: boolean;
  private raisers: Raisers | undefined;

  constructor(
    readonly parts: HubParts,
    private readonly wrapper: InstanceWrapper,
    private readonly moduleKey: string,
    private readonly enhancers: NestEnhancers,
    private readonly pipeline: () => HubPipelineSteps,
  ) {
    this.type = parts.descriptor.type;
    this.lifetime = lifetimeOf(wrapper, this.type);
    this.disposes = (this.type.prototype as SignalRHub).dispose !== SignalRHub.prototype.dispose;
  }

  /** What pipeline modules wrap around this hub. */
  get steps(): HubPipelineSteps {
    return this.pipeline();
  }

  /** Compiles every method that stays the same for all calls. Global enhancers must be known by now. */
  compile(): void {
    if (this.lifetime === 'scoped') {
      return;
    }
    for (const overloads of this.parts.descriptor.methods.values()) {
      for (const method of overloads) {
        this.compiled.set(method, this.compileFor(method, this.wrapper.instance as object));
      }
    }
  }

  /** Runs a method. Gives the bare result, a promise, or throws. */
  run(method: HubMethodDescriptor, call: HubCall): unknown {
    if (this.lifetime === 'scoped') {
      return this.runScoped(method, call);
    }
    let run = this.compiled.get(method);
    if (run === undefined) {
      run = this.compileFor(method, this.wrapper.instance as object);
      this.compiled.set(method, run);
    }
    if (this.lifetime === 'derived') {
      return this.runOn(this.derive(call), run, call);
    }
    const compiled = run;
    return andThen(this.objectFor(call), (hub) => this.runOn(hub, compiled, call));
  }

  /**
   * Fails a call whose method was not found. Like any other it goes through the pipeline modules, and for classic
   * clients through the guards of the class (signalr-2 §6.9; Core clients are answered first, signalr-core §6.2).
   */
  async fail(error: Error, call: HubCall): Promise<never> {
    if (call.connection.protocol === 'classic') {
      await this.checkAccess(call);
    }
    const reject = (): Promise<never> => Promise.reject(error);
    return (await (this.steps.incoming?.(reject) ?? reject)(call)) as never;
  }

  /** Calls a lifecycle event on a hub object of its own. */
  raise(event: LifecycleName, call: HubCall): Promise<void> {
    this.raisers ??= this.composeRaisers();
    return this.raisers[event](call);
  }

  private composeRaisers(): Raisers {
    const { connect, reconnect, disconnect } = this.steps;
    const raise =
      (event: LifecycleName) =>
      (call: unknown): Promise<void> =>
        this.raiseOnHub(event, call as HubCall);
    const disconnected = disconnect?.(raise('onDisconnected'));
    return {
      onConnected: connect?.(raise('onConnected')) ?? raise('onConnected'),
      onReconnected: reconnect?.(raise('onReconnected')) ?? raise('onReconnected'),
      onAuthenticationRefreshed: raise('onAuthenticationRefreshed'),
      onDisconnected:
        disconnected === undefined
          ? raise('onDisconnected')
          : (call) => disconnected(call, call.args[0] as boolean),
    };
  }

  /** Gives {@link DONE} if the hub had nothing to wait for: every client that comes or goes is told of here. */
  private raiseOnHub(event: LifecycleName, call: HubCall): Promise<void> {
    const raised = recover<unknown, unknown>(
      () => andThen(this.objectFor(call), (hub) => this.tell(hub, event, call)),
      (error) => Promise.reject(error as Error),
    );
    return isThenable(raised) ? (raised as Promise<void>) : DONE;
  }

  private tell(hub: HubObject, event: LifecycleName, call: HubCall): unknown {
    const tell = (): unknown => (hub[event] as HubObject[string])(...call.args);
    return this.disposes ? lastly(tell, () => this.dispose(hub)) : tell();
  }

  private runOn(hub: HubObject, run: RunMethod, call: HubCall): unknown {
    if (!this.disposes) {
      return run(hub, call);
    }
    let result: unknown;
    try {
      result = run(hub, call);
    } catch (error) {
      this.dispose(hub);
      throw error;
    }
    return whenSettled(result, () => this.dispose(hub));
  }

  private dispose(hub: HubObject): void {
    const report = (error: unknown): void =>
      this.logger.error(`dispose of ${this.parts.descriptor.name} failed`, toError(error).stack);
    try {
      const disposed = (hub.dispose as HubObject[string])();
      if (isThenable(disposed)) {
        disposed.then(undefined, report);
      }
    } catch (error) {
      report(error);
    }
  }

  private async checkAccess(call: HubCall): Promise<void> {
    const scope = this.lifetime === 'scoped' ? await this.openScope(call.context) : undefined;
    const guards = this.enhancers.guardsOf(this.describeFor(missingMethod, scope?.contextId));
    const context = new ExecutionContextHost(callArguments(call), this.type, missingMethod);
    context.setType(SIGNALR_CONTEXT);
    await authorize(guards, context);
  }

  /** A method of this hub, as its enhancers are asked for. */
  describeFor(method: EnhancedMethod['method'], contextId?: ContextId): EnhancedMethod {
    return {
      instance: this.wrapper.instance as object,
      method,
      moduleKey: this.moduleKey,
      inquirerId: this.wrapper.id,
      ...(contextId !== undefined && { contextId }),
    };
  }

  /** A context of its own for one call or request, with the hub and its request-scoped enhancers made in it. */
  async openScope(request: object): Promise<{ readonly contextId: ContextId; readonly hub: HubObject }> {
    const contextId = ContextIdFactory.getByRequest(request as Record<string, unknown>);
    this.moduleRef.registerRequestByContextId(request, contextId);
    const hub = await this.moduleRef.resolve<HubObject>(this.wrapper.token as Type<HubObject>, contextId, {
      strict: true,
    });
    return { contextId, hub };
  }

  private objectFor(call: HubCall): HubObject | Promise<HubObject> {
    switch (this.lifetime) {
      case 'derived':
        return this.derive(call);
      case 'created':
        return this.moduleRef
          .create<HubObject>(this.type as Type<HubObject>)
          .then((hub) => bindCall(hub, call));
      case 'scoped':
        return this.openScope(call.context).then(({ hub }) => bindCall(hub, call));
    }
  }

  private async runScoped(method: HubMethodDescriptor, call: HubCall): Promise<unknown> {
    const { contextId, hub } = await this.openScope(call.context);
    return this.runOn(bindCall(hub, call), this.compileFor(method, hub, contextId), call);
  }

  private derive(call: HubCall): HubObject {
    return bindCall(Object.create(this.wrapper.instance as object) as HubObject, call);
  }

  private compileFor(method: HubMethodDescriptor, instance: object, contextId?: ContextId): RunMethod {
    const { propertyKey } = method;
    return compileMethod({
      enhancers: this.enhancers,
      enhanced: {
        ...this.describeFor((instance as HubObject)[propertyKey] as HubObject[string], contextId),
        instance,
      },
      type: this.type,
      propertyKey,
      methodName: method.name,
      parameters: planParameters(this.type, propertyKey),
      pipeline: this.steps.incoming,
    });
  }

  /** The ModuleRef of the module that provides the hub: another one could not see what the hub injects. */
  private get moduleRef(): ModuleRef {
    return this.wrapper.host?.getProviderByKey(ModuleRef).instance as ModuleRef;
  }
}

/** What guards get as the handler of a call whose method does not exist: nothing is bound to it. */
function missingMethod(): void {
  // It is never called.
}

function bindCall(hub: HubObject, call: HubCall): HubObject {
  (hub as { [HUB_CALL]?: HubCall })[HUB_CALL] = call;
  return hub;
}

function lifetimeOf(wrapper: InstanceWrapper, type: Type): HubLifetime {
  if (wrapper.isTransient || !wrapper.isDependencyTreeStatic()) {
    return 'scoped';
  }
  return hasPrivateMembers(type) ? 'created' : 'derived';
}

function hasPrivateMembers(type: Type): boolean {
  for (
    let base: unknown = type;
    typeof base === 'function' && base.name !== '';
    base = Object.getPrototypeOf(base)
  ) {
    if (/(?:^|[\s.;{])#[\p{ID_Start}$_]/mu.test(Function.prototype.toString.call(base))) {
      return true;
    }
  }
  return false;
}
