import {
  type CanActivate,
  ForbiddenException,
  HttpException,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { WsException } from '@nestjs/websockets';
import {
  catchError,
  from,
  fromEvent,
  isObservable,
  lastValueFrom,
  mergeMap,
  type Observable,
  of,
  takeUntil,
  tap,
} from 'rxjs';

import { toError } from '../common/errors.js';
import { isThenable } from '../common/promises.js';
import { isStream, type Stream } from '../common/streams.js';
import { HubException } from '../hubs/hub.exception.js';
import type { HubCall } from './hub-call.js';
import { hubName } from '../hubs/hub.metadata.js';
import { BoundCall } from './bound-call.js';
import type { BuildStep } from './hub-pipeline.js';
import type { InvokeHubMethod } from './pipeline-contexts.js';
import { HubInvocationError } from './invocation-error.js';
import type { EnhancedMethod, MethodEnhancers, NestEnhancers } from './nest-enhancers.js';
import type { ParameterSource, PlannedParameter } from './parameter-plan.js';
import { callArguments, SIGNALR_CONTEXT } from './signalr-execution-context.js';
import { shapeStream } from './stream-parameter.js';
import { observe, requireExpected, requireStreams } from './stream-results.js';
import { brokenRules } from './validation-failure.js';

/** A hub object, made for one call. */
export type HubObject = Record<string, (...args: unknown[]) => unknown>;

/** Runs one hub method on a hub object. What it gives is the bare result, a promise of it, or a throw. */
export type RunMethod = (hub: HubObject, call: HubCall) => unknown;

type StreamSource = Extract<ParameterSource, { readonly from: 'stream' }>;

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
    return (hub, call) => {
      requireStreams(call);
      return (hub[propertyKey] as HubObject[string]).apply(hub, call.args as unknown[]);
    };
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
      progress.step = 'method';
      requireStreams(call);
      const outcome = await this.intercept(hub, call, context, progress);
      return this.bound.filters !== undefined && isStream(outcome)
        ? this.filterItems(outcome, call, context, progress)
        : outcome;
    } catch (error) {
      return this.filter(error, call, context, progress);
    }
  }

  /** What fails while a stream runs goes through the filters, too; what they make of it ends the stream. */
  private filterItems(
    items: Stream,
    call: HubCall,
    context: ExecutionContextHost,
    progress: Progress,
  ): Observable<unknown> {
    return observe(items, call).pipe(
      catchError((error: unknown) =>
        from(this.filter(error, call, context, progress)).pipe(
          mergeMap((handled) => (isStream(handled) ? observe(handled, call) : of(handled))),
        ),
      ),
    );
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
    if (this.bound.interceptors.length === 0) {
      return next();
    }
    const result: unknown = await this.parts.enhancers.interceptorsConsumer.intercept(
      this.bound.interceptors,
      context.getArgs(),
      hub,
      this.parts.enhanced.method,
      async () => itemsOf(await next(), call),
      SIGNALR_CONTEXT,
    );
    return isObservable(result) ? outcomeOf(result, call) : result;
  }

  private async invoke(
    hub: HubObject,
    call: HubCall,
    context: ExecutionContextHost,
    progress: Progress,
  ): Promise<unknown> {
    progress.step = 'pipes';
    const args = this.needsBinding ? await this.bind(call, context) : call.args;
    progress.step = 'method';
    const method = hub[this.parts.propertyKey] as HubObject[string];
    return this.invokeInPipeline === undefined
      ? method.apply(hub, args as unknown[])
      : this.invokeInPipeline(new BoundCall(call, args, hub, method));
  }

  private async bind(call: HubCall, context: ExecutionContextHost): Promise<unknown[]> {
    const args = await Promise.all(
      this.parameters.map((parameter) => this.valueOf(parameter, call, context)),
    );
    // What a rest parameter takes has no plan of its own.
    return this.parameters.at(-1)?.isRest === true
      ? [...args.slice(0, -1), ...call.args.slice(args.length - 1)]
      : args;
  }

  private valueOf(parameter: ResolvedParameter, call: HubCall, context: ExecutionContextHost): unknown {
    const { source } = parameter;
    if (source.from === 'stream') {
      return this.streamOf(parameter, source, call);
    }
    const value = initialValue(parameter, source, call, context);
    return parameter.allPipes.length === 0
      ? value
      : this.applyPipes(parameter, value, source.from === 'client' ? 'body' : 'custom');
  }

  private applyPipes(
    { metatype, data, schema, allPipes, name }: ResolvedParameter,
    value: unknown,
    type: 'body' | 'custom',
  ): Promise<unknown> {
    const described = { metatype, type, data, schema } as never;
    return this.parts.enhancers.pipesConsumer
      .applyPipes(value, described, [...allPipes])
      .catch((error: unknown) => {
        throw this.explainPipe(error, name);
      });
  }

  /** Pipes run on each item of a stream, when the method reads it. */
  private streamOf(parameter: ResolvedParameter, source: StreamSource, { uploads }: HubCall): unknown {
    const pipe = (item: unknown): Promise<unknown> =>
      this.applyPipes(parameter, item, 'body').catch((error: unknown) => {
        throw error instanceof WsException ? error : unfit(error);
      });
    return shapeStream(
      uploads[source.index] as AsyncIterable<unknown>,
      source.form,
      parameter.allPipes.length === 0 ? undefined : pipe,
    );
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
    call: HubCall,
    context: ExecutionContextHost,
    { step }: Progress,
  ): Promise<unknown> {
    const { filters } = this.bound;
    let error = thrown;
    if (filters !== undefined) {
      try {
        const handled: unknown = await filters.invokeCustomFilters(toError(thrown), context);
        // Nest's rule for external callers: a filter that returns nothing has not handled the error.
        if (handled !== undefined) {
          return await (isObservable(handled) ? outcomeOf(handled, call) : valueOrStream(handled, call));
        }
      } catch (replaced) {
        error = replaced;
      }
    }
    throw explain(error, step);
  }
}

function initialValue(
  { data }: ResolvedParameter,
  source: Exclude<ParameterSource, StreamSource>,
  call: HubCall,
  context: ExecutionContextHost,
): unknown {
  switch (source.from) {
    case 'client': {
      const argument = call.args[source.argument];
      return typeof data === 'string' ? (argument as Record<string, unknown> | null)?.[data] : argument;
    }
    case 'caller':
      return call.context;
    case 'decorator':
      return source.factory(data, context);
  }
}

/** What a method has given, as interceptors get it: a stream item by item. */
function itemsOf(result: unknown, call: HubCall): unknown {
  requireExpected(result, call);
  if (!isStream(result)) {
    return result;
  }
  call.isStreaming = true;
  const items = observe(result, call);
  // Whoever asked for a stream cancels it; reports end with the connection.
  return call.expects === 'stream' ? items : items.pipe(takeUntil(fromEvent(call.cancellation, 'abort')));
}

/** What interceptors have made of a result. */
function outcomeOf(items: Observable<unknown>, call: HubCall): unknown {
  if (call.expects === 'stream') {
    return items;
  }
  const report = (item: unknown): void => {
    if (call.isStreaming) {
      void call.progress.report(item);
    }
  };
  return lastValueFrom(call.expects === 'progress' ? items.pipe(tap(report)) : items, {
    defaultValue: undefined,
  });
}

/** What the method reads of an item that a pipe did not take (signalr-core §4.8). */
function unfit(error: unknown): HubException {
  const failure = new HubException('Failed to bind Stream message.');
  failure.cause = error;
  return failure;
}

/** A filter may answer a call for a stream with a value. */
function valueOrStream(handled: unknown, { expects }: HubCall): unknown {
  return expects === 'stream' && !isStream(handled) ? of(handled) : handled;
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
