import {
  type CanActivate,
  ForbiddenException,
  HttpException,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import type { ExternalExceptionsHandler } from '@nestjs/core/exceptions/external-exceptions-handler.js';
import { WsException } from '@nestjs/websockets';
import { isObservable, lastValueFrom } from 'rxjs';

import { toError } from '../common/errors.js';
import { isThenable } from '../common/promises.js';
import type { HubCallerContext } from '../hubs/hub-caller-context.js';
import type { HubCall } from './hub-call.js';
import { hubName } from '../hubs/hub.metadata.js';
import { BoundCall } from './bound-call.js';
import type { BuildStep } from './hub-pipeline.js';
import type { InvokeHubMethod } from './pipeline-contexts.js';
import { HubInvocationError } from './invocation-error.js';
import type { EnhancedMethod, MethodEnhancers, NestEnhancers } from './nest-enhancers.js';
import type { PlannedParameter } from './parameter-plan.js';
import { callArguments, SIGNALR_CONTEXT } from './signalr-execution-context.js';
import { brokenRules } from './validation-failure.js';

/** A hub object, made for one call. */
export type HubObject = Record<string, (...args: unknown[]) => unknown>;

/** Runs one hub method on a hub object. What it gives is the bare result, a promise of it, or a throw. */
export type RunMethod = (hub: HubObject, call: HubCall) => unknown;

interface ResolvedParameter extends PlannedParameter {
  readonly allPipes: readonly PipeTransform[];
}

/** Everything a method runner is made from. */
export interface MethodRunnerParts {
  readonly enhancers: NestEnhancers;
  readonly enhanced: EnhancedMethod;
  readonly type: Type;
  readonly propertyKey: string;
  /** The name that clients call. */
  readonly methodName: string;
  readonly parameters: readonly PlannedParameter[];
  /** Undefined if there are no pipeline modules. */
  readonly pipeline: BuildStep<'incoming'> | undefined;
}

/**
 * Compiles the way of a call through everything that is bound to a method: filters around guards, interceptors, pipes,
 * pipeline modules and at last the method. Where nothing is bound, the method is called directly.
 */
export function compileMethod(parts: MethodRunnerParts): RunMethod {
  const { enhancers, enhanced, propertyKey } = parts;
  const bound = enhancers.of(enhanced);
  const parameters = parts.parameters.map((parameter) => ({
    ...parameter,
    allPipes: [...bound.pipes, ...enhancers.parameterPipes(parameter.pipes, enhanced)],
  }));
  if (parts.pipeline === undefined && isPlain(bound, parameters)) {
    return (hub, call) => (hub[propertyKey] as HubObject[string]).apply(hub, call.args as unknown[]);
  }
  const runner = new EnhancedRunner(parts, bound, parameters);
  return (hub, call) => runner.run(hub, call);
}

function isPlain(bound: MethodEnhancers, parameters: readonly ResolvedParameter[]): boolean {
  return (
    bound.guards.length === 0 &&
    bound.interceptors.length === 0 &&
    bound.filters === undefined &&
    parameters.every(isBare)
  );
}

/** True for a parameter that takes an argument of the client exactly as it came. */
function isBare({ source, data, allPipes }: ResolvedParameter): boolean {
  return source.from === 'client' && typeof data !== 'string' && allPipes.length === 0;
}

/** Which step a call is in: tells what an error means. */
interface Progress {
  step: 'guards' | 'pipes' | 'method';
}

class EnhancedRunner {
  private readonly needsBinding: boolean;
  /** The method inside of the pipeline modules; undefined if there are none. */
  private readonly invokeInPipeline: InvokeHubMethod | undefined;

  constructor(
    private readonly parts: MethodRunnerParts,
    private readonly bound: MethodEnhancers,
    private readonly parameters: readonly ResolvedParameter[],
  ) {
    this.needsBinding = !parameters.every(isBare);
    this.invokeInPipeline = parts.pipeline?.(BoundCall.run);
  }

  async run(hub: HubObject, call: HubCall): Promise<unknown> {
    const progress: Progress = { step: 'guards' };
    const context = this.contextOf(call);
    try {
      await activate(this.bound.guards, context);
      return await this.intercept(hub, call, context, progress);
    } catch (error) {
      return this.filter(error, context, progress, this.bound.filters);
    }
  }

  private contextOf(call: HubCall): ExecutionContextHost {
    const context = new ExecutionContextHost(
      callArguments(call),
      this.parts.type,
      this.parts.enhanced.method,
    );
    context.setType(SIGNALR_CONTEXT);
    return context;
  }

  private async intercept(
    hub: HubObject,
    call: HubCall,
    context: ExecutionContextHost,
    progress: Progress,
  ): Promise<unknown> {
    const next = (): Promise<unknown> => this.invoke(hub, call, context, progress);
    progress.step = 'method';
    if (this.bound.interceptors.length === 0) {
      return next();
    }
    const result: unknown = await this.parts.enhancers.interceptorsConsumer.intercept(
      this.bound.interceptors,
      context.getArgs(),
      hub,
      this.parts.enhanced.method,
      next,
      SIGNALR_CONTEXT,
    );
    return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
  }

  private async invoke(
    hub: HubObject,
    call: HubCall,
    context: ExecutionContextHost,
    progress: Progress,
  ): Promise<unknown> {
    progress.step = 'pipes';
    const args = this.needsBinding ? await this.bind(call.args, context) : call.args;
    progress.step = 'method';
    const method = hub[this.parts.propertyKey] as HubObject[string];
    return this.invokeInPipeline === undefined
      ? method.apply(hub, args as unknown[])
      : this.invokeInPipeline(new BoundCall(call, args, hub, method));
  }

  private async bind(sent: readonly unknown[], context: ExecutionContextHost): Promise<unknown[]> {
    const args = await Promise.all(
      this.parameters.map((parameter) => this.valueOf(parameter, sent, context)),
    );
    // What a rest parameter takes has no plan of its own.
    return this.parameters.at(-1)?.isRest === true
      ? [...args.slice(0, -1), ...sent.slice(args.length - 1)]
      : args;
  }

  private valueOf(
    parameter: ResolvedParameter,
    sent: readonly unknown[],
    context: ExecutionContextHost,
  ): unknown {
    const { source, metatype, data, schema, allPipes } = parameter;
    const type = source.from === 'client' ? 'body' : 'custom';
    const value = initialValue(parameter, sent, context);
    if (allPipes.length === 0) {
      return value;
    }
    const described = { metatype, type, data, schema } as never;
    return this.parts.enhancers.pipesConsumer
      .applyPipes(value, described, [...allPipes])
      .catch((error: unknown) => {
        throw this.explainPipe(error, parameter.name);
      });
  }

  /** A validating pipe says which rules an argument breaks: the caller gets to know. */
  private explainPipe(error: unknown, argument: string): unknown {
    const rules = brokenRules(error);
    if (rules === undefined) {
      return error;
    }
    const { enhancers, type, methodName } = this.parts;
    const failure = enhancers.validationError({ hub: hubName(type), method: methodName, argument, rules });
    failure.cause ??= error;
    return failure;
  }

  private async filter(
    thrown: unknown,
    context: ExecutionContextHost,
    { step }: Progress,
    filters: ExternalExceptionsHandler | undefined,
  ): Promise<unknown> {
    let error = thrown;
    if (filters !== undefined) {
      try {
        const handled: unknown = await filters.invokeCustomFilters(toError(thrown), context);
        // Nest's rule for external callers: a filter that returns nothing has not handled the error.
        if (handled !== undefined) {
          return isObservable(handled) ? await lastValueFrom(handled, { defaultValue: undefined }) : handled;
        }
      } catch (replaced) {
        error = replaced;
      }
    }
    throw explain(error, step);
  }
}

function initialValue(
  { source, data }: ResolvedParameter,
  sent: readonly unknown[],
  context: ExecutionContextHost,
): unknown {
  switch (source.from) {
    case 'client': {
      const argument = sent[source.argument];
      return typeof data === 'string' ? (argument as Record<string, unknown> | null)?.[data] : argument;
    }
    case 'caller':
      return context.getArgByIndex<HubCallerContext>(0);
    case 'decorator':
      return source.factory(data, context);
  }
}

/** Asks guards one after another, without waiting for those that answer at once. @throws ForbiddenException if one refuses */
export async function activate(guards: readonly CanActivate[], context: ExecutionContextHost): Promise<void> {
  for (const guard of guards) {
    let answer: unknown = guard.canActivate(context);
    if (isThenable(answer)) {
      answer = await answer;
    }
    if (isObservable(answer)) {
      answer = await lastValueFrom(answer);
    }
    if (!answer) {
      throw new ForbiddenException('Forbidden resource');
    }
  }
}

/** Asks guards, and makes a refusal the failure of the call. @throws HubInvocationError */
export async function authorize(
  guards: readonly CanActivate[],
  context: ExecutionContextHost,
): Promise<void> {
  try {
    await activate(guards, context);
  } catch (error) {
    throw explain(error, 'guards');
  }
}

const UNAUTHORIZED: ReadonlySet<number> = new Set([401, 403]);

/** True for errors by which guards refuse, and not for those by which they fail. */
export function isRefusal(error: unknown): error is HttpException {
  return error instanceof HttpException && UNAUTHORIZED.has(error.getStatus());
}

function explain(error: unknown, step: Progress['step']): unknown {
  if (step === 'guards' && isRefusal(error)) {
    return new HubInvocationError('unauthorized', error.message, { cause: error });
  }
  if (step === 'pipes' && !(error instanceof WsException)) {
    return new HubInvocationError('binding', toError(error).message, { cause: error });
  }
  return error;
}
