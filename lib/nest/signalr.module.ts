import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  type FactoryProvider,
  Inject,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { DiscoveryModule, HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';

import { SignalRError } from '../common/errors.js';
import { resolveOptions } from '../common/option-defaults.js';
import type { ServerOptions } from '../common/options.js';
import { configureTracing } from '../common/trace.js';
import { HubCatalog } from '../hubs/hub-catalog.js';
import { getHubContextToken } from '../hubs/hub-context.token.js';
import { declaredHubs } from '../hubs/hub.metadata.js';
import { MemoryBackplane } from '../messaging/memory-backplane.js';
import { HubPipeline } from '../invocation/hub-pipeline.js';
import { getPersistentConnectionContextToken } from '../persistent-connections/persistent-connection.context.js';
import { declaredConnections } from '../persistent-connections/persistent-connection.metadata.js';
import { ApplicationExplorer } from './application.explorer.js';
import { ConnectionHandlerExplorer } from './connection-handler.explorer.js';
import { EndpointFactory } from './endpoint-factory.js';
import { HubContextRegistry } from './hub-context.registry.js';
import type { HubServer } from './hub-server.js';
import { HubExplorer } from './hub.explorer.js';
import { PersistentConnectionExplorer } from './persistent-connection.explorer.js';
import { PersistentConnectionRegistry } from './persistent-connection.registry.js';
import { ProviderFinder } from './provider-finder.js';
import { ProviderScanner } from './provider-scanner.js';
import { ServedClassExplorer } from './served-class.explorer.js';
import type {
  SignalRModuleAsyncOptions,
  SignalRModuleOptions,
  SignalROptionsFactory,
} from './signalr.module-options.js';
import { SignalRServer } from './signalr.server.js';
import { SignalRService } from './signalr.service.js';
import { BACKPLANE, MODULE_OPTIONS, SERVER_OPTIONS } from './signalr.tokens.js';

/**
 * Serves the hubs of an application to SignalR clients. Import it once, in the root module: that is all. Hubs are
 * ordinary providers of any module.
 *
 * @publicApi
 */
@Module({})
export class SignalRModule
  implements NestModule, OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown
{
  constructor(
    @Inject(SignalRServer) private readonly server: HubServer,
    private readonly modules: ModulesContainer,
    private readonly adapterHost: HttpAdapterHost,
    @Inject(SERVER_OPTIONS) _options: ServerOptions,
  ) {}

  /** @throws SignalRError at boot, with one clear message, for options that do not exist or cannot work. */
  static forRoot(options: SignalRModuleOptions = {}): DynamicModule {
    return dynamicModule([{ provide: MODULE_OPTIONS, useValue: options }], {});
  }

  /** The same with options that are found asynchronously or need other providers. */
  static forRootAsync(options: SignalRModuleAsyncOptions): DynamicModule {
    return dynamicModule(asyncOptionsProviders(options), options);
  }

  /** Runs before routes are registered, so that no wildcard route hides the hubs. */
  configure(_consumer: MiddlewareConsumer): void {
    this.adapterHost.httpAdapter?.use(
      (
        request: Parameters<HubServer['serve']>[0],
        response: Parameters<HubServer['serve']>[1],
        next: () => void,
      ) => {
        if (!this.server.serve(request, response)) {
          next();
        }
      },
    );
  }

  async onModuleInit(): Promise<void> {
    await this.server.start(this.importer());
  }

  onApplicationBootstrap(): void {
    this.server.compile();
  }

  async onModuleDestroy(): Promise<void> {
    await this.server.close();
  }

  /** The HTTP server closes after this hook and would wait for open sockets. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.server.stop();
  }

  /** The module that imports this one: what it can see, pipeline modules can inject. */
  private importer(): ModuleRef {
    const own = [...this.modules.values()].filter(({ metatype }) => metatype === SignalRModule);
    if (own.length > 1) {
      throw SignalRError.of('SIGNALR_MODULE_TWICE');
    }
    const importer = [...this.modules.values()].find(({ imports }) =>
      own.some((module) => imports.has(module)),
    );
    return (importer ?? own[0])?.getProviderByKey(ModuleRef).instance as ModuleRef;
  }
}

function dynamicModule(
  options: Provider[],
  { imports = [], isGlobal = true }: Pick<SignalRModuleAsyncOptions, 'imports' | 'isGlobal'>,
): DynamicModule {
  const contexts: FactoryProvider[] = [
    ...declaredHubs().map((hub) => ({
      provide: getHubContextToken(hub),
      useFactory: (registry: HubContextRegistry) => registry.get(hub),
      inject: [HubContextRegistry],
    })),
    ...declaredConnections().map((type) => ({
      provide: getPersistentConnectionContextToken(type),
      useFactory: (registry: PersistentConnectionRegistry) => registry.get(type),
      inject: [PersistentConnectionRegistry],
    })),
  ];
  return {
    module: SignalRModule,
    global: isGlobal,
    imports: [DiscoveryModule, ...imports],
    providers: [
      ...options,
      {
        provide: SERVER_OPTIONS,
        useFactory: serverOptions,
        inject: [MODULE_OPTIONS],
      },
      {
        provide: BACKPLANE,
        useFactory: ({ backplane }: SignalRModuleOptions, options: ServerOptions) =>
          backplane ?? embeddedBackplane(options),
        inject: [MODULE_OPTIONS, SERVER_OPTIONS],
      },
      ApplicationExplorer,
      ConnectionHandlerExplorer,
      EndpointFactory,
      HubCatalog,
      HubContextRegistry,
      HubExplorer,
      HubPipeline,
      PersistentConnectionExplorer,
      PersistentConnectionRegistry,
      ProviderFinder,
      ProviderScanner,
      ServedClassExplorer,
      SignalRServer,
      SignalRService,
      ...contexts,
    ],
    exports: [
      HubContextRegistry,
      HubPipeline,
      PersistentConnectionRegistry,
      SignalRService,
      ...contexts.map(({ provide }) => provide),
    ],
  };
}

/** Tracing holds for the process, so it is switched as soon as it is known. */
function serverOptions({
  pipeline: _pipeline,
  backplane: _backplane,
  validationError: _validationError,
  hubProtocols: _hubProtocols,
  metrics: _metrics,
  ...given
}: SignalRModuleOptions): ServerOptions {
  const options = resolveOptions(given);
  configureTracing(options.tracing);
  return options;
}

/** Keeps what classic clients may come back for, as long as they may (signalr-2 §4.2). */
function embeddedBackplane({ clock, classic }: ServerOptions): MemoryBackplane {
  if (classic === false) {
    return new MemoryBackplane({ clock });
  }
  const { defaultMessageBufferSize, disconnectTimeout, keepAlive } = classic;
  return new MemoryBackplane({
    clock,
    bufferSize: defaultMessageBufferSize,
    retention: 2 * (disconnectTimeout + 2 * (keepAlive ?? 0)),
  });
}

function asyncOptionsProviders({
  useFactory,
  inject = [],
  useClass,
  useExisting,
}: SignalRModuleAsyncOptions): Provider[] {
  if (useFactory !== undefined) {
    return [{ provide: MODULE_OPTIONS, useFactory: useFactory as never, inject: [...inject] as never[] }];
  }
  const factory = useClass ?? useExisting;
  if (factory === undefined) {
    throw SignalRError.of(
      'SIGNALR_OPTION_INVALID',
      'forRootAsync',
      'needs useFactory, useClass or useExisting.',
    );
  }
  return [
    {
      provide: MODULE_OPTIONS,
      useFactory: (made: SignalROptionsFactory) => made.createSignalROptions(),
      inject: [factory],
    },
    ...(useClass === undefined ? [] : [useClass]),
  ];
}
