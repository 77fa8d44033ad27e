import { Inject, Injectable } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';

import type { ClassicOptions, ServerOptions } from '../common/options.js';
import { traceSource } from '../common/trace.js';
import { ConnectionLimiter } from '../connections/connection-limiter.js';
import type { ConnectionRegistry } from '../connections/connection-registry.js';
import { ConnectionHandlerHost } from '../connection-handlers/connection-handler-host.js';
import { HubCatalog } from '../hubs/hub-catalog.js';
import { DefaultUserIdProvider, IUserIdProvider } from '../hubs/user-id-provider.js';
import { ConnectGuard } from '../invocation/connect-guard.js';
import { HubHost } from '../invocation/hub-host.js';
import { HubInvoker } from '../invocation/hub-invoker.js';
import { HubPipeline, type HubPipelineSteps } from '../invocation/hub-pipeline.js';
import { NestEnhancers } from '../invocation/nest-enhancers.js';
import { defaultValidationError } from '../invocation/validation-failure.js';
import type { Backplane } from '../messaging/backplane.js';
import {
  type PersistentConnectionDescriptor,
  PersistentConnectionHost,
} from '../persistent-connections/persistent-connection-host.js';
import { ClassicEndpoint } from '../protocols/classic/endpoint.js';
import { HubApplication } from '../protocols/classic/hub-application.js';
import { PersistentApplication } from '../protocols/classic/persistent-application.js';
import { CoreHubApplication } from '../protocols/core/hub-application.js';
import { ClientResults } from '../protocols/core/client-results.js';
import { CoreEndpoint } from '../protocols/core/endpoint.js';
import { HandlerApplication } from '../protocols/core/handler-application.js';
import { MultiplexApplication } from '../protocols/core/multiplex-application.js';
import type { Endpoint, ProtocolServices } from '../protocols/endpoint.js';
import type { CreateWebSocketServer } from '../transports/upgrade.js';
import type { DiscoveredApplication } from './application.explorer.js';
import { HubContextRegistry } from './hub-context.registry.js';
import type { DiscoveredHub } from './hub.explorer.js';
import { ProviderFinder } from './provider-finder.js';
import type { SignalRModuleOptions } from './signalr.module-options.js';
import { BACKPLANE, MODULE_OPTIONS, SERVER_OPTIONS } from './signalr.tokens.js';

/** What is served, and where. */
export interface ServedParts extends DiscoveredApplication {
  readonly basePath: string;
  readonly registry: ConnectionRegistry;
  readonly createWebSocketServer: CreateWebSocketServer;
}

/** Puts together what serves the clients of an application: this is where the layers meet. */
@Injectable()
export class EndpointFactory {
  private readonly logger = traceSource('SignalR.ReflectedHubDescriptorProvider');

  constructor(
    @Inject(SERVER_OPTIONS) private readonly options: ServerOptions,
    @Inject(MODULE_OPTIONS) private readonly moduleOptions: SignalRModuleOptions,
    @Inject(BACKPLANE) private readonly backplane: Backplane,
    private readonly catalog: HubCatalog,
    private readonly contexts: HubContextRegistry,
    private readonly pipeline: HubPipeline,
    private readonly providers: ProviderFinder,
    private readonly modules: ModulesContainer,
    private readonly config: ApplicationConfig,
  ) {}

  create(parts: ServedParts): { readonly endpoints: Endpoint[]; readonly invoker: HubInvoker } {
    const { modules, config, options, pipeline } = this;
    const enhancers = new NestEnhancers(modules, config, {
      useGlobalFilters: options.useGlobalFilters,
      rules: pipeline.guards,
      validationError: this.moduleOptions.validationError ?? defaultValidationError,
    });
    const services = this.createServices(parts, enhancers);
    const { classic, core } = options;
    const endpoints = [
      ...(core === false ? [] : createCoreEndpoints(services, parts, enhancers)),
      ...(classic === false ? [] : createClassicEndpoints(services, classic, parts.connections, enhancers)),
    ];
    return { endpoints, invoker: services.invoker };
  }

  private createServices(parts: ServedParts, enhancers: NestEnhancers): ProtocolServices {
    const { secret } = this.options;
    const invoker = this.createInvoker(parts.hubs, enhancers);
    return {
      options: this.options,
      basePath: parts.basePath,
      secrets: typeof secret === 'string' ? [secret] : secret,
      catalog: this.catalog,
      invoker,
      connectGuard: new ConnectGuard(invoker, enhancers),
      registry: parts.registry,
      limiter: new ConnectionLimiter(this.options.limits),
      metrics: this.moduleOptions.metrics,
      backplane: this.backplane,
      userIds: this.providers.find<IUserIdProvider>(IUserIdProvider) ?? new DefaultUserIdProvider(),
      createWebSocketServer: parts.createWebSocketServer,
      hubProtocols: this.moduleOptions.hubProtocols ?? [],
      clientResults: new ClientResults(this.options.clock),
    };
  }

  private createInvoker(hubs: readonly DiscoveredHub[], enhancers: NestEnhancers): HubInvoker {
    const hosts = hubs.map(({ descriptor, wrapper, moduleKey }) => {
      const { sender, groups } = this.contexts.parts(descriptor.name);
      const steps = (): HubPipelineSteps => this.pipeline.of(descriptor.name);
      const host = new HubHost({ descriptor, sender, groups }, wrapper, moduleKey, enhancers, steps);
      if (host.lifetime === 'created') {
        this.logger.warn(
          `hub ${descriptor.name} has #private members, so each call makes a new instance; private members of TypeScript cost nothing`,
        );
      }
      return [descriptor, host] as const;
    });
    return new HubInvoker(new Map(hosts));
  }
}

function createCoreEndpoints(
  services: ProtocolServices,
  { hubs, handlers, shared }: DiscoveredApplication,
  enhancers: NestEnhancers,
): Endpoint[] {
  const applications = [
    ...hubs.map(({ descriptor }) => new CoreHubApplication(descriptor, services)),
    ...(shared === undefined ? [] : [new MultiplexApplication(shared, services)]),
    ...handlers.map(
      (descriptor) => new HandlerApplication(new ConnectionHandlerHost(descriptor, enhancers), services),
    ),
  ];
  return applications.map((application) => new CoreEndpoint(application, services));
}

function createClassicEndpoints(
  services: ProtocolServices,
  options: ClassicOptions,
  connections: readonly PersistentConnectionDescriptor[],
  enhancers: NestEnhancers,
): Endpoint[] {
  const hubs = new HubApplication(services, options);
  return [
    new ClassicEndpoint(services, options, services.basePath, hubs),
    ...connections.map((descriptor) => {
      const host = new PersistentConnectionHost(descriptor, enhancers);
      return new ClassicEndpoint(services, options, descriptor.path, new PersistentApplication(host));
    }),
  ];
}
