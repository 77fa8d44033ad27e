import type { IncomingMessage, Server, ServerResponse } from 'node:http';

import { Inject, Injectable, Logger, type Type } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';

import type { ServerOptions } from '../common/options.js';
import { ConnectionRegistry } from '../connections/connection-registry.js';
import { Heartbeat } from '../connections/heartbeat.js';
import { HubCatalog } from '../hubs/hub-catalog.js';
import { DefaultUserIdProvider, IUserIdProvider } from '../hubs/user-id-provider.js';
import { ConnectGuard } from '../invocation/connect-guard.js';
import { HubHost } from '../invocation/hub-host.js';
import { HubInvoker } from '../invocation/hub-invoker.js';
import type { HubPipelineModule, InvokeHubMethod } from '../invocation/hub-pipeline.js';
import type { BuildPipeline } from '../invocation/method-runner.js';
import { NestEnhancers } from '../invocation/nest-enhancers.js';
import type { Backplane } from '../messaging/backplane.js';
import { ClassicEndpoint } from '../protocols/classic/endpoint.js';
import { CoreEndpoint } from '../protocols/core/endpoint.js';
import type { Endpoint, ProtocolServices } from '../protocols/endpoint.js';
import { EndpointRouter } from '../protocols/endpoint-router.js';
import type { UpgradeRequest } from '../transports/upgrade.js';
import { HubContextRegistry } from './hub-context.registry.js';
import { type DiscoveredHub, HubExplorer } from './hub.explorer.js';
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
    private readonly contexts: HubContextRegistry,
    private readonly moduleRef: ModuleRef,
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
    const basePath = this.basePath();
    const hubs = this.explorer.explore(basePath);
    await this.backplane.start(this.registry);
    const httpServer = this.httpServer();
    if (httpServer === undefined) {
      return;
    }
    this.adapter = new SignalRAdapter(httpServer, (upgrade) => this.serveUpgrade(upgrade));
    this.router = new EndpointRouter(await this.createEndpoints(hubs, basePath, importer, this.adapter));
    this.adapter.takeOver();
    httpServer.prependListener('request', (request) => this.keepRaw(request));
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

  /**
   * Express runs its body parsers before our middleware, and the one for JSON refuses what a hub protocol sends under the
   * name of JSON. Parsers go by the content type, which means nothing to Core clients (signalr-core §1.9).
   */
  private keepRaw(request: IncomingMessage): void {
    if (this.router.find(request.url ?? '/')?.readsRawBodies === true) {
      delete request.headers['content-type'];
    }
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

  private async createEndpoints(
    hubs: readonly DiscoveredHub[],
    basePath: string,
    importer: ModuleRef,
    adapter: SignalRAdapter,
  ): Promise<Endpoint[]> {
    const services = await this.createServices(hubs, basePath, importer, adapter);
    const { classic, core } = this.options;
    return [
      ...(core === false ? [] : hubs.map(({ descriptor }) => new CoreEndpoint(descriptor, services))),
      ...(classic === false ? [] : [new ClassicEndpoint(services, classic)]),
    ];
  }

  private async createServices(
    hubs: readonly DiscoveredHub[],
    basePath: string,
    importer: ModuleRef,
    adapter: SignalRAdapter,
  ): Promise<ProtocolServices> {
    const { secret, useGlobalFilters } = this.options;
    const enhancers = new NestEnhancers(this.modules, this.config, useGlobalFilters);
    const pipeline = await this.createPipeline(importer);
    const hosts = hubs.map(({ descriptor, wrapper, moduleKey }) => {
      const { sender, groups } = this.contexts.parts(descriptor.name);
      const host = new HubHost({ descriptor, sender, groups }, wrapper, moduleKey, enhancers, pipeline);
      if (host.lifetime === 'created') {
        this.logger.warn(
          `hub ${descriptor.name} has #private members, so each call makes a new instance; private members of TypeScript cost nothing`,
        );
      }
      return [descriptor, host] as const;
    });
    this.invoker = new HubInvoker(new Map(hosts), pipeline);
    return {
      options: this.options,
      basePath,
      secrets: typeof secret === 'string' ? [secret] : secret,
      catalog: this.catalog,
      invoker: this.invoker,
      connectGuard: new ConnectGuard(this.invoker, enhancers),
      registry: this.registry,
      backplane: this.backplane,
      userIds: this.findUserIdProvider(),
      createWebSocketServer: (options) => adapter.createHubServer(options),
    };
  }

  private async createPipeline(importer: ModuleRef): Promise<BuildPipeline | undefined> {
    const modules: HubPipelineModule[] = [];
    for (const given of this.moduleOptions.pipeline ?? []) {
      modules.push(typeof given === 'function' ? await this.instantiate(given, importer) : given);
    }
    if (modules.length === 0) {
      return undefined;
    }
    return (invoke: InvokeHubMethod) =>
      modules.reduceRight((next, module) => module.buildIncoming(next), invoke);
  }

  private instantiate<T>(type: Type<T>, importer: ModuleRef): T | Promise<T> {
    return this.findProvider<T>(type) ?? importer.create(type);
  }

  /** Any module may provide it. */
  private findUserIdProvider(): IUserIdProvider {
    return this.findProvider<IUserIdProvider>(IUserIdProvider) ?? new DefaultUserIdProvider();
  }

  private findProvider<T>(token: Type<T> | (abstract new (...args: never[]) => T)): T | undefined {
    const isProvided = [...this.modules.values()].some((module) => module.providers.has(token as Type<T>));
    return isProvided ? this.moduleRef.get<T>(token as Type<T>, { strict: false }) : undefined;
  }

  private basePath(): string {
    const prefix = this.options.useGlobalPrefix ? this.config.getGlobalPrefix() : '';
    const trimmed = prefix.replaceAll(/^\/+|\/+$/g, '');
    return (trimmed === '' ? '' : `/${trimmed}`) + this.options.path;
  }

  private httpServer(): Server | undefined {
    return this.adapterHost.httpAdapter?.getHttpServer?.() as Server | undefined;
  }
}

function beatInterval({ classic }: ServerOptions): number {
  const keepAlive = classic === false ? null : classic.keepAlive;
  return Math.min(LONGEST_BEAT, (keepAlive ?? Infinity) / BEATS_PER_KEEP_ALIVE);
}
