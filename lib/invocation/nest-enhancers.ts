import type { CanActivate, NestInterceptor, PipeTransform, Type } from '@nestjs/common';
import { EXCEPTION_FILTERS_METADATA } from '@nestjs/common/constants.js';
import type { ApplicationConfig, ContextId, ModulesContainer } from '@nestjs/core';
import { ExternalExceptionFilterContext } from '@nestjs/core/exceptions/external-exception-filter-context.js';
import { ExternalExceptionsHandler } from '@nestjs/core/exceptions/external-exceptions-handler.js';
import { GuardsContextCreator } from '@nestjs/core/guards/guards-context-creator.js';
import { STATIC_CONTEXT } from '@nestjs/core/injector/constants.js';
import type { NestContainer } from '@nestjs/core/injector/container.js';
import { InterceptorsConsumer } from '@nestjs/core/interceptors/interceptors-consumer.js';
import { InterceptorsContextCreator } from '@nestjs/core/interceptors/interceptors-context-creator.js';
import { PipesConsumer } from '@nestjs/core/pipes/pipes-consumer.js';
import { PipesContextCreator } from '@nestjs/core/pipes/pipes-context-creator.js';

import type { ValidationErrorFactory } from './validation-failure.js';

/** A method whose enhancers are asked for. */
export interface EnhancedMethod {
  readonly instance: object;
  readonly method: (...args: unknown[]) => unknown;
  /** Key of the module that provides the hub. */
  readonly moduleKey: string;
  readonly contextId?: ContextId;
  /** Transient enhancers are made per host, so they are found with the host as inquirer. */
  readonly inquirerId?: string;
}

/** What Nest binds to one hub method, in order of execution. */
export interface MethodEnhancers {
  readonly guards: readonly CanActivate[];
  readonly interceptors: NestInterceptor[];
  readonly pipes: readonly PipeTransform[];
  /** Undefined if no filter is bound. */
  readonly filters: ExternalExceptionsHandler | undefined;
}

/** What the application has to say of enhancers of hubs. */
export interface EnhancerOptions {
  /** Applies global exception filters to hub methods. */
  readonly useGlobalFilters: boolean;
  /** Guards of all hubs, which run before those of the application. */
  readonly rules: readonly CanActivate[];
  readonly validationError: ValidationErrorFactory;
}

/** A handler of exception filters, as Nest keeps it. */
type ResolvedFilters = Parameters<ExternalExceptionsHandler['setCustomFilters']>[0];

/** Global filters are made for HTTP more often than not, so hubs get them only when asked for (NEST §0). */
class HubFilterContext extends ExternalExceptionFilterContext {
  constructor(
    container: NestContainer,
    config: ApplicationConfig,
    private readonly withGlobal: boolean,
  ) {
    super(container, config);
  }

  override getGlobalMetadata<T extends unknown[]>(contextId?: ContextId, inquirerId?: string): T {
    return this.withGlobal ? super.getGlobalMetadata(contextId, inquirerId) : ([] as unknown as T);
  }

  resolve({ instance, method, moduleKey, contextId, inquirerId }: EnhancedMethod): ResolvedFilters {
    this.moduleContext = moduleKey;
    return this.createContext(instance, method, EXCEPTION_FILTERS_METADATA, contextId, inquirerId);
  }
}

/**
 * Finds the enhancers of hub methods with Nest's own context creators. Those only ever ask their container for its
 * modules, so the injectable `ModulesContainer` is all they need.
 */
export class NestEnhancers {
  readonly interceptorsConsumer = new InterceptorsConsumer();
  readonly pipesConsumer = new PipesConsumer();
  private readonly guards: GuardsContextCreator;
  private readonly interceptors: InterceptorsContextCreator;
  private readonly pipes: PipesContextCreator;
  private readonly filters: HubFilterContext;

  constructor(
    modules: ModulesContainer,
    config: ApplicationConfig,
    private readonly options: EnhancerOptions,
  ) {
    const container = { getModules: () => modules } as unknown as NestContainer;
    this.guards = new GuardsContextCreator(container, config);
    this.interceptors = new InterceptorsContextCreator(container, config);
    this.pipes = new PipesContextCreator(container, config);
    this.filters = new HubFilterContext(container, config, options.useGlobalFilters);
  }

  /** The error that the caller gets for an argument that is not valid. */
  get validationError(): ValidationErrorFactory {
    return this.options.validationError;
  }

  of(enhanced: EnhancedMethod): MethodEnhancers {
    const { instance, method, moduleKey, contextId = STATIC_CONTEXT, inquirerId } = enhanced;
    const filters = this.filters.resolve(enhanced);
    return {
      guards: this.guardsOf(enhanced),
      interceptors: this.interceptors.create(instance, method, moduleKey, contextId, inquirerId),
      pipes: this.pipes.create(instance, method, moduleKey, contextId, inquirerId),
      filters: filters.length === 0 ? undefined : handlerOf(filters),
    };
  }

  guardsOf({ instance, method, moduleKey, contextId, inquirerId }: EnhancedMethod): CanActivate[] {
    return [...this.options.rules, ...this.guards.create(instance, method, moduleKey, contextId, inquirerId)];
  }

  /** Instances of the pipes that a parameter decorator was given. */
  parameterPipes(
    pipes: readonly (Type<PipeTransform> | PipeTransform)[],
    { moduleKey, contextId, inquirerId }: EnhancedMethod,
  ): PipeTransform[] {
    this.pipes.setModuleContext(moduleKey);
    return this.pipes.createConcreteContext([...pipes], contextId, inquirerId);
  }
}

function handlerOf(filters: ResolvedFilters): ExternalExceptionsHandler {
  const handler = new ExternalExceptionsHandler();
  // The filter bound closest to the method is asked first.
  handler.setCustomFilters(filters.reverse());
  return handler;
}
