import type { Type } from '@nestjs/common';
import { ContextIdFactory, type ContextId, ModuleRef } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';

import type { HubMethodDescriptor } from '../hubs/hub-descriptor.js';
import { HUB_CALL } from '../hubs/signalr-hub.js';
import type { HubCall, HubParts } from './hub-call.js';
import { type BuildPipeline, compileMethod, type HubObject, type RunMethod } from './method-runner.js';
import type { EnhancedMethod, NestEnhancers } from './nest-enhancers.js';
import { planParameters } from './parameter-plan.js';

/** How a hub gets its object for a call. */
type HubLifetime =
  /** An object derived from the singleton: costs nothing, shares what the constructor made. */
  | 'derived'
  /** A new instance with the dependencies of the singleton: for classes with `#private` members, which no other object may touch. */
  | 'created'
  /** A new instance with a context of its own: for request-scoped and transient hubs, or request-scoped enhancers. */
  | 'scoped';

/** One hub as a provider of the application: makes its objects and runs its methods. */
export class HubHost {
  readonly lifetime: HubLifetime;
  private readonly type: Type;
  private readonly compiled = new Map<HubMethodDescriptor, RunMethod>();

  constructor(
    readonly parts: HubParts,
    private readonly wrapper: InstanceWrapper,
    private readonly moduleKey: string,
    private readonly enhancers: NestEnhancers,
    private readonly pipeline: BuildPipeline | undefined,
  ) {
    this.type = parts.descriptor.type;
    this.lifetime = lifetimeOf(wrapper, this.type);
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
      return run(this.derive(call), call);
    }
    const compiled = run;
    return this.moduleRef
      .create<HubObject>(this.type as Type<HubObject>)
      .then((hub) => compiled(bindCall(hub, call), call));
  }

  /** Calls a lifecycle event on a hub object of its own. */
  async raise(event: 'onConnected' | 'onReconnected' | 'onDisconnected', call: HubCall): Promise<void> {
    const hub = await this.objectFor(call);
    await (hub[event] as HubObject[string])(...call.args);
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

  private async objectFor(call: HubCall): Promise<HubObject> {
    switch (this.lifetime) {
      case 'derived':
        return this.derive(call);
      case 'created':
        return bindCall(await this.moduleRef.create<HubObject>(this.type as Type<HubObject>), call);
      case 'scoped':
        return bindCall((await this.openScope(call.context)).hub, call);
    }
  }

  private async runScoped(method: HubMethodDescriptor, call: HubCall): Promise<unknown> {
    const { contextId, hub } = await this.openScope(call.context);
    return this.compileFor(method, hub, contextId)(bindCall(hub, call), call);
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
      parameters: planParameters(this.type, propertyKey),
      pipeline: this.pipeline,
    });
  }

  /** The ModuleRef of the module that provides the hub: another one could not see what the hub injects. */
  private get moduleRef(): ModuleRef {
    return this.wrapper.host?.getProviderByKey(ModuleRef).instance as ModuleRef;
  }
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
