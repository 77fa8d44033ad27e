import type { IncomingMessage, Server, ServerResponse } from 'node:http';

import { Inject, Injectable } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, type ModuleRef } from '@nestjs/core';

import { SignalRError } from '../common/errors.js';
import type { ServerOptions } from '../common/options.js';
import { traceSource } from '../common/trace.js';
import { measure } from '../connections/connection-metrics.js';
import { ConnectionRegistry } from '../connections/connection-registry.js';
import { drain, type DrainPlan } from '../connections/drain.js';
import { Heartbeat } from '../connections/heartbeat.js';
import { LostConnections } from '../connections/lost-connections.js';
import { readPipelineModules } from '../hubs/hub.metadata.js';
import type { HubInvoker } from '../invocation/hub-invoker.js';
import { HubPipeline } from '../invocation/hub-pipeline.js';
import type { HubPipelineModule } from '../invocation/hub-pipeline-module.js';
import type { Backplane } from '../messaging/backplane.js';
import { EndpointRouter } from '../protocols/endpoint-router.js';
import { applyCors } from '../transports/cors.js';
import type { UpgradeRequest } from '../transports/upgrade.js';
import { ApplicationExplorer, type DiscoveredApplication } from './application.explorer.js';
import { EndpointFactory } from './endpoint-factory.js';
import { ExpressFields, type ExpressApplication } from './express-fields.js';
import type { DiscoveredHub } from './hub.explorer.js';
import type { HubServer } from './hub-server.js';
import { lossListeners } from './loss-listeners.js';
import { ProviderFinder } from './provider-finder.js';
import { mountOnServer } from './server-mount.js';
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
export class SignalRServer implements HubServer {
  private readonly logger = traceSource('SignalR');
  private readonly registry: ConnectionRegistry;
  private readonly heartbeat: Heartbeat;
  private router = new EndpointRouter([]);
  private invoker: HubInvoker | undefined;
  private adapter: SignalRAdapter | undefined;
  private draining = false;
  private servedPath: string | undefined;

  constructor(
    @Inject(SERVER_OPTIONS) private readonly options: ServerOptions,
    @Inject(MODULE_OPTIONS) private readonly moduleOptions: SignalRModuleOptions,
    @Inject(BACKPLANE) private readonly backplane: Backplane,
    private readonly explorer: ApplicationExplorer,
    private readonly endpoints: EndpointFactory,
    private readonly pipeline: HubPipeline,
    private readonly providers: ProviderFinder,
    private readonly config: ApplicationConfig,
    private readonly adapterHost: HttpAdapterHost,
  ) {
    this.registry = new ConnectionRegistry(backplane, options);
    this.heartbeat = new Heartbeat(options.clock, beatInterval(options));
    const { metrics } = moduleOptions;
    if (metrics !== undefined) {
      this.registry.onSkipped = (reason) => measure(metrics, (counting) => counting.skippedMessage(reason));
    }
  }

  /**
   * Finds the hubs and joins the backplane. Without an HTTP server (workers, standalone applications) nothing is served,
   * and hub contexts reach clients of other processes through the backplane.
   */
  async start(importer: ModuleRef): Promise<void> {
    const basePath = this.prefix() + this.options.path;
    const application = this.explorer.explore(this.prefix(), basePath);
    await this.loadPipeline(application.hubs, importer);
    const httpServer = this.httpServer();
    this.registry.servesClients = httpServer !== undefined;
    await this.backplane.start(this.registry);
    if (httpServer === undefined) {
      return;
    }
    this.adapter = new SignalRAdapter(httpServer, (upgrade) => this.serveUpgrade(upgrade));
    const { adapter, registry } = this;
    const { endpoints, invoker } = this.endpoints.create({
      ...application,
      basePath,
      registry,
      createWebSocketServer: (options) => adapter.createHubServer(options),
    });
    this.router = new EndpointRouter(endpoints);
    this.invoker = invoker;
    adapter.takeOver();
    if (this.options.mount === 'server') {
      mountOnServer(httpServer, (request, response) => this.serve(request, response));
    } else {
      this.prepareRequests(httpServer);
    }
    for (const endpoint of this.router.endpoints) {
      this.heartbeat.onBeat((now) => endpoint.onHeartbeat(now));
    }
    this.heartbeat.onBeat((now) => registry.relays.onHeartbeat(now));
    if (this.options.raiseDisconnectedOfLostNodes) {
      this.watchLostNodes(application, invoker);
    }
    this.heartbeat.start();
    this.servedPath = basePath;
  }

  /** Where classic clients find the hubs, prefix included. @throws SignalRError SIGNALR_NOT_STARTED if nothing is served yet */
  get basePath(): string {
    if (this.servedPath === undefined) {
      throw SignalRError.of('SIGNALR_NOT_STARTED');
    }
    return this.servedPath;
  }

  /** Compiles hub methods; every global enhancer is known by now. */
  compile(): void {
    this.invoker?.compile();
    this.adapter?.takeOver();
  }

  /** Answers a request if it is for a hub; false if it is not. */
  serve(request: IncomingMessage & { originalUrl?: string }, response: ServerResponse): boolean {
    const endpoint = this.router.find(request.originalUrl ?? request.url ?? '/');
    if (endpoint === undefined) {
      return false;
    }
    const { cors } = this.options;
    if (cors === false || !applyCors(request, response, cors)) {
      void endpoint.handle(request, response);
    }
    return true;
  }

  get connectionCount(): number {
    return this.registry.size;
  }

  get isDraining(): boolean {
    return this.draining;
  }

  async drain(plan: Partial<DrainPlan>): Promise<boolean> {
    const { clock, shutdownTimeout } = this.options;
    const { deadline = shutdownTimeout, batch = Infinity, interval = 0 } = plan;
    this.draining = true;
    for (const endpoint of this.router.endpoints) {
      endpoint.refuseClients();
    }
    const connections = this.router.endpoints.flatMap((endpoint) => [...endpoint.connections()]);
    return drain(connections, { deadline, batch: Math.max(1, batch), interval }, clock);
  }

  /** What requests of hubs need before the HTTP framework sees them. */
  private prepareRequests(httpServer: Server): void {
    const { httpAdapter } = this.adapterHost;
    const fields =
      httpAdapter.getType() === 'express'
        ? new ExpressFields(httpAdapter.getInstance<ExpressApplication>())
        : undefined;
    httpServer.prependListener('request', (request, response) => {
      const endpoint = this.router.find(request.url ?? '/');
      if (endpoint === undefined) {
        return;
      }
      fields?.addTo(request, response);
      // Express runs its body parsers before our middleware, and the one for JSON refuses what a hub protocol sends under
      // the name of JSON. Parsers go by the content type, which means nothing to Core clients (signalr-core §1.9).
      if (endpoint.readsRawBodies) {
        delete request.headers['content-type'];
      }
    });
  }

  /** Stops accepting clients, tells those that are there to come back, and lets hubs say goodbye to them. */
  async close(): Promise<void> {
    const inTime = await this.drain({});
    this.heartbeat.stop();
    if (!inTime) {
      const { shutdownTimeout } = this.options;
      this.logger.warn(
        `hubs were still running after ${shutdownTimeout} ms; closing without waiting for them`,
      );
    }
  }

  /** Drops what is still open and leaves the backplane. */
  async stop(): Promise<void> {
    const { relays } = this.registry;
    relays.letClientsGo();
    await Promise.all(this.router.endpoints.map((endpoint) => endpoint.closeTransports(CLOSE_GRACE)));
    relays.close();
    await this.backplane.stop();
  }

  private serveUpgrade(upgrade: UpgradeRequest): boolean {
    const endpoint = this.router.find(upgrade.request.url ?? '/');
    void endpoint?.upgrade(upgrade);
    return endpoint !== undefined;
  }

  private watchLostNodes(application: DiscoveredApplication, invoker: HubInvoker): void {
    const { clock, classic, outbox } = this.options;
    const lost = new LostConnections(lossListeners(application, invoker), {
      directory: this.backplane.directory,
      grace: classic === false ? 0 : classic.disconnectTimeout,
      outbox,
      now: () => clock.now(),
    });
    this.registry.onOrphaned = (entry) => lost.take(entry);
    this.heartbeat.onBeat((now) => lost.onHeartbeat(now));
  }

  private async loadPipeline(hubs: readonly DiscoveredHub[], importer: ModuleRef): Promise<void> {
    if (this.options.requireAuthentication) {
      this.pipeline.requireAuthentication();
    }
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
