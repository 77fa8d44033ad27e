import { SignalRError } from '../common/errors.js';
import { AuthorizeGuard } from './authorize.guard.js';
import { HubPipelineModule } from './hub-pipeline-module.js';
import type { PipelineSteps } from './pipeline-contexts.js';

/** Wraps a step of the pipeline in modules. */
export type BuildStep<Name extends keyof PipelineSteps> = (step: PipelineSteps[Name]) => PipelineSteps[Name];

/** A hub's pipeline: a step that no module has anything to do with is undefined, and costs nothing. */
export type HubPipelineSteps = { readonly [Name in keyof PipelineSteps]: BuildStep<Name> | undefined };

type Member = keyof HubPipelineModule;

/** The members of a module by which it takes part in a step; the first one wraps it. */
const MEMBERS: { readonly [Name in keyof PipelineSteps]: readonly [Member, ...Member[]] } = {
  incoming: ['buildIncoming', 'onBeforeIncoming', 'onAfterIncoming', 'onIncomingError'],
  outgoing: ['buildOutgoing', 'onBeforeOutgoing', 'onAfterOutgoing'],
  connect: ['buildConnect', 'onBeforeConnect', 'onAfterConnect'],
  reconnect: ['buildReconnect', 'onBeforeReconnect', 'onAfterReconnect'],
  disconnect: ['buildDisconnect', 'onBeforeDisconnect', 'onAfterDisconnect'],
  authorizeConnect: ['buildAuthorizeConnect', 'onBeforeAuthorizeConnect'],
  rejoiningGroups: ['buildRejoiningGroups'],
};

/**
 * The pipeline modules of the application. Usually they are given as options or with `@UsePipeline`; inject this to add
 * some at run time, before the application has started (signalr-2 §7.7).
 *
 * @publicApi
 */
export class HubPipeline {
  private readonly modules: HubPipelineModule[] = [];
  private readonly modulesOfHubs = new Map<string, readonly HubPipelineModule[]>();
  private readonly steps = new Map<string, HubPipelineSteps>();
  /** @internal Guards of all hubs, which run before any other. */
  readonly guards: AuthorizeGuard[] = [];

  /**
   * Adds a module inside of those that were added before.
   *
   * @throws SignalRError SIGNALR_PIPELINE_INVOKED once the application has started.
   */
  addModule(module: HubPipelineModule): this {
    this.requireUnused();
    this.modules.push(module);
    return this;
  }

  /**
   * Refuses clients that are not authenticated, for all hubs: when they connect and on each call.
   *
   * @throws SignalRError SIGNALR_PIPELINE_INVOKED once the application has started.
   */
  requireAuthentication(): this {
    this.requireUnused();
    this.guards.push(new AuthorizeGuard());
    return this;
  }

  /** @internal Adds the modules of one hub; they run inside of those for all. */
  addHubModules(hub: string, modules: readonly HubPipelineModule[]): void {
    this.modulesOfHubs.set(hub, modules);
  }

  /** @internal The pipeline of a hub, by canonical name. Asking for it closes the pipeline for further modules. */
  of(hub: string): HubPipelineSteps {
    let steps = this.steps.get(hub);
    if (steps === undefined) {
      const modules = [...this.modules, ...(this.modulesOfHubs.get(hub) ?? [])];
      steps = composeAll(modules);
      this.steps.set(hub, steps);
    }
    return steps;
  }

  private requireUnused(): void {
    if (this.steps.size > 0) {
      throw SignalRError.of('SIGNALR_PIPELINE_INVOKED');
    }
  }
}

function composeAll(modules: readonly HubPipelineModule[]): HubPipelineSteps {
  const names = Object.keys(MEMBERS) as (keyof PipelineSteps)[];
  return Object.fromEntries(
    names.map((name) => [name, compose(name, modules)]),
  ) as unknown as HubPipelineSteps;
}

function compose(
  name: keyof PipelineSteps,
  modules: readonly HubPipelineModule[],
): ((step: never) => unknown) | undefined {
  const members = MEMBERS[name];
  const involved = modules.filter((module) =>
    members.some((member) => module[member] !== HubPipelineModule.prototype[member]),
  );
  return involved.length === 0
    ? undefined
    : (step) =>
        involved.reduceRight<unknown>(
          (next, module) => module[members[0]](next as never, undefined as never),
          step,
        );
}
