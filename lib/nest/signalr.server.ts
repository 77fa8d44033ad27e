import type { IncomingMessage, Server, ServerResponse } from 'node:http';

import { Inject, Injectable, Logger } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, type ModuleRef, ModulesContainer } from '@nestjs/core';

import type { ClassicOptions, ServerOptions } from '../common/options.js';
import { ConnectionRegistry } from '../connections/connection-registry.js';
import { Heartbeat } from '../connections/heartbeat.js';
import { HubCatalog } from '../hubs/hub-catalog.js';
import { readPipelineModules } from '../hubs/hub.metadata.js';
import { DefaultUserIdProvider, IUserIdProvider } from '../hubs/user-id-provider.js';
import { ConnectGuard } from '../invocation/connect-guard.js';
import { HubHost } from '../invocation/hub-host.js';
import { HubInvoker } from '../invocation/hub-invoker.js';
import { HubPipeline, type HubPipelineSteps } from '../invocation/hub-pipeline.js';
import type { HubPipelineModule } from '../invocation/hub-pipeline-module.js';
import { NestEnhancers } from '../invocation/nest-enhancers.js';
import type { Backplane } from '../messaging/backplane.js';
import {
  type PersistentConnectionDescriptor,
  PersistentConnectionHost,
} from '../persistent-connections/persistent-connection-host.js';
import { ClassicEndpoint } from '../protocols/classic/endpoint.js';
import { HubApplication } from '../protocols/classic/hub-application.js';
import { PersistentApplication } from '../protocols/classic/persistent-application.js';
import { CoreEndpoint } from '../protocols/core/endpoint.js';
import type { Endpoint, ProtocolServices } from '../protocols/endpoint.js';
import { EndpointRouter } from '../protocols/endpoint-router.js';
import type { UpgradeRequest } from '../transports/upgrade.js';
import { HubContextRegistry } from './hub-context.registry.js';
import { type DiscoveredHub, HubExplorer, takenPaths } from './hub.explorer.js';
import { PersistentConnectionExplorer } from './persistent-connection.explorer.js';
import { ProviderFinder } from './provider-finder.js';
import { SignalRAdapter } from './signalr.adapter.js';
import type { SignalRModuleOptions } from './signalr.module-options.js';
import { BACKPLANE, MODULE_OPTIONS, SERVER_OPTIONS } from './signalr.tokens.js';

/** The heartbeat has to be fine enough for the time-outs of both families; a second is what Core clients expect. */
const LONGEST_BEAT = 1_000;
const BEATS_PER_KEEP_ALIVE = 2;

/** How long, in milliseconds, peers get to finish the closing handshake when the application ends. */
const CLOSE_GRACE = 250;

/** Everything that runs while the application serves hubs: made at boot, ended with the application. */
@Injectable()
export class SignalRServer {
  private readonly logger = new Logger('SignalR');
  private readonly registry: ConnectionRegistry;
  private readonly heartbeat: Heartbeat;
  private router = new EndpointRouter([]);
  private invoker: HubInvoker | undefined;
  private adapter: SignalRAdapter | undefined;

  constructor(
    @Inject(SERVER_OPTIONS) private readonly options: ServerOptions,
    @Inject(MODULE_OPTIONS) private readonly moduleOptions: SignalRModuleOptions,
    @Inject(BACKPLANE) private readonly backplane: Backplane,
    private readonly catalog: HubCatalog,
    private readonly explorer: HubExplorer,
    private readonly connectionExplorer: PersistentConnectionExplorer,
    private readonly contexts: HubContextRegistry,
    private readonly pipeline: HubPipeline,
    private readonly providers: ProviderFinder,
    private readonly modules: ModulesContainer,
    private readonly config: ApplicationConfig,
    private readonly adapterHost: HttpAdapterHost,
  ) {
    this.registry = new ConnectionRegistry(backplane);
    this.heartbeat = new Heartbeat(options.clock, beatInterval(options));
  }

  /**
   * Finds the hubs and joins the backplane. Without an HTTP server (workers, standalone applications) nothing is served,
   * and hub contexts reach clients of other processes through the backplane.
   */
  async start(importer: ModuleRef): Promise<void> {
    const basePath = this.prefix() + this.options.path;
    const hubs = this.explorer.explore(basePath);
    const connections = this.connectionExplorer.explore(this.prefix(), takenPaths(hubs, basePath));
    await this.loadPipeline(hubs, importer);
    await this.backplane.start(this.registry);
    const httpServer = this.httpServer();
    if (httpServer === undefined) {
      return;
    }
    this.adapter = new SignalRAdapter(httpServer, (upgrade) => this.serveUpgrade(upgrade));
    this.router = new EndpointRouter(this.createEndpoints(hubs, connections, basePath, this.adapter));
    this.adapter.takeOver();
    for (const endpoint of this.router.endpoints) {
      this.heartbeat.onBeat((now) => endpoint.onHeartbeat(now));
    }
    this.heartbeat.start();
  }

  /** Compiles hub methods; every global enhancer is known by now. */
  compile(): void {
    this.invoker?.compile();
    this.adapter?.takeOver();
  }

  /** Answers a request if it is for a hub; false if it is not. */
  serve(request: IncomingMessage & { originalUrl?: string }, response: ServerResponse): boolean {
    const endpoint = this.router.find(request.originalUrl ?? request.url ?? '/');
    void endpoint?.handle(request, response);
    return endpoint !== undefined;
  }

  /** Stops accepting clients, tells those that are there to come back, and lets hubs say goodbye to them. */
  async close(): Promise<void> {
    this.heartbeat.stop();
    const goodbyes = Promise.all(this.router.endpoints.map((endpoint) => endpoint.close()));
    const { clock, shutdownTimeout } = this.options;
    const inTime = await new Promise<boolean>((resolve) => {
      const cancel = clock.after(shutdownTimeout, () => resolve(false));
      void goodbyes.then(() => {
        cancel();
        resolve(true);
      });
    });
    if (!inTime) {
      this.logger.warn(
        `onDisconnected was still running after ${shutdownTimeout} ms; closing without waiting for it`,
      );
    }
  }

  /** Drops what is still open and leaves the backplane. */
  async stop(): Promise<void> {
    await Promise.all(this.router.endpoints.map((endpoint) => endpoint.closeTransports(CLOSE_GRACE)));
    await this.backplane.stop();
  }

  private serveUpgrade(upgrade: UpgradeRequest): boolean {
    const endpoint = this.router.find(upgrade.request.url ?? '/');
    void endpoint?.upgrade(upgrade);
    return endpoint !== undefined;
  }

  private createEndpoints(
    hubs: readonly DiscoveredHub[],
    connections: readonly PersistentConnectionDescriptor[],
    basePath: string,
    adapter: SignalRAdapter,
  ): Endpoint[] {
    const enhancers = this.createEnhancers();
    const services = this.createServices(hubs, basePath, adapter, enhancers);
    const { classic, core } = this.options;
    return [
      ...(core === false ? [] : hubs.map(({ descriptor }) => new CoreEndpoint(descriptor, services))),
      ...(classic === false ? [] : this.createClassicEndpoints(services, classic, connections, enhancers)),
    ];
  }

  private createClassicEndpoints(
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

  private createEnhancers(): NestEnhancers {
    const { modules, config, options, pipeline } = this;
    return new NestEnhancers(modules, config, options.useGlobalFilters, pipeline.guards);
  }

  private createServices(
    hubs: readonly DiscoveredHub[],
    basePath: string,
    adapter: SignalRAdapter,
    enhancers: NestEnhancers,
  ): ProtocolServices {
    const { secret } = this.options;
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
    this.invoker = new HubInvoker(new Map(hosts));
    return {
      options: this.options,
      basePath,
      secrets: typeof secret === 'string' ? [secret] : secret,
      catalog: this.catalog,
      invoker: this.invoker,
      connectGuard: new ConnectGuard(this.invoker, enhancers),
      registry: this.registry,
      backplane: this.backplane,
      userIds: this.providers.find<IUserIdProvider>(IUserIdProvider) ?? new DefaultUserIdProvider(),
      createWebSocketServer: (options) => adapter.createHubServer(options),
    };
  }

  private async loadPipeline(hubs: readonly DiscoveredHub[], importer: ModuleRef): Promise<void> {
    for (const module of await this.providers.resolve(this.moduleOptions.pipeline ?? [], importer)) {
      this.pipeline.addModule(module);
    }
    for (const { descriptor } of hubs) {
      const given = readPipelineModules(descriptor.type) as HubPipelineModule[];
      this.pipeline.addHubModules(descriptor.name, await this.providers.resolve(given, importer));
    }
  }

  /** What stands before all paths. */
  private prefix(): string {
    const prefix = this.options.useGlobalPrefix ? this.config.getGlobalPrefix() : '';
    const trimmed = prefix.replaceAll(/^\/+|\/+$/g, '');
    return trimmed === '' ? '' : `/${trimmed}`;
  }

  private httpServer(): Server | undefined {
    return this.adapterHost.httpAdapter?.getHttpServer?.() as Server | undefined;
  }
}

function beatInterval({ classic }: ServerOptions): number {
  const keepAlive = classic === false ? null : classic.keepAlive;
  return Math.min(LONGEST_BEAT, (keepAlive ?? Infinity) / BEATS_PER_KEEP_ALIVE);
}
