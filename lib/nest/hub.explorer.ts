import { Inject, Injectable, type Type } from '@nestjs/common';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';

import { SignalRError } from '../common/errors.js';
import { resolveCoreOptions } from '../common/core-option-defaults.js';
import type { ServerOptions } from '../common/options.js';
import { traceSource } from '../common/trace.js';
import { HubCatalog } from '../hubs/hub-catalog.js';
import { type HubDescriptor, scriptName } from '../hubs/hub-descriptor.js';
import { hubName, readHubMetadata, readOwnHubMethods } from '../hubs/hub.metadata.js';
import type { HubOptions } from '../hubs/hub-options.js';
import { describeHubMethods } from '../invocation/hub-methods.js';
import { pathsOf } from '../protocols/core/endpoint.js';
import { ProviderScanner, type ScannedProvider } from './provider-scanner.js';
import { SERVER_OPTIONS } from './signalr.tokens.js';
import { TakenPaths } from './taken-paths.js';

/** A hub that was found among the providers of the application. */
export interface DiscoveredHub {
  readonly descriptor: HubDescriptor;
  readonly wrapper: InstanceWrapper;
  /** Key of the module that provides it. */
  readonly moduleKey: string;
}

/** Finds the hubs of the application and checks that they can work, before the first client connects. */
@Injectable()
export class HubExplorer {
  private readonly trace = traceSource('SignalR.ReflectedHubDescriptorProvider');

  constructor(
    private readonly scanner: ProviderScanner,
    private readonly catalog: HubCatalog,
    @Inject(SERVER_OPTIONS) private readonly options: ServerOptions,
  ) {}

  /**
   * @param taken gets the paths that hubs need.
   * @throws SignalRError with one clear message for the first thing that cannot work.
   */
  explore(basePath: string, taken = new TakenPaths()): DiscoveredHub[] {
    const found = new Map<Type, ScannedProvider & { readonly options: HubOptions }>();
    for (const provider of this.scanner.scan()) {
      const { type } = provider;
      const metadata = readHubMetadata(type);
      if (metadata === undefined) {
        rejectStrayMethods(type);
        continue;
      }
      const other = found.get(type);
      if (other !== undefined) {
        throw SignalRError.of('SIGNALR_HUB_PROVIDED_TWICE', type.name, other.moduleName, provider.moduleName);
      }
      found.set(type, { ...provider, options: metadata.options });
    }
    const hubs = [...found.values()].map((hub) => this.discover(hub, basePath));
    takePaths(hubs, basePath, taken);
    return hubs;
  }

  private discover(
    { type, wrapper, moduleKey, options }: ScannedProvider & { readonly options: HubOptions },
    basePath: string,
  ): DiscoveredHub {
    const { name: givenName, path, ...coreOptions } = options;
    const name = hubName(type);
    if (!/^[^./?#%\s]+$/.test(name)) {
      throw SignalRError.of('SIGNALR_HUB_NAME_INVALID', name);
    }
    const nameSpecified = givenName !== undefined;
    const core = this.options.core;
    const descriptor: HubDescriptor & { methods: HubDescriptor['methods'] } = {
      name,
      nameSpecified,
      scriptName: scriptName(name, nameSpecified),
      path: path ?? `${basePath}/${scriptName(name, nameSpecified)}`,
      type,
      coreOptions: core === false ? undefined : resolveCoreOptions(core, coreOptions, name),
      methods: new Map(),
    };
    descriptor.methods = describeHubMethods(descriptor);
    this.catalog.add(descriptor);
    this.trace.debug(`hub ${name} at ${descriptor.path}: ${[...descriptor.methods.keys()].join(', ')}`);
    return { descriptor, wrapper, moduleKey };
  }
}

function rejectStrayMethods(type: Type): void {
  const prototype = type.prototype as object | undefined;
  const stray = prototype === undefined ? undefined : readOwnHubMethods(prototype)[0];
  if (stray !== undefined) {
    throw SignalRError.of('SIGNALR_METHOD_OUTSIDE_HUB', type.name, stray.propertyKey);
  }
}

/** The base path belongs to classic clients, with the names that they need below it. */
function takePaths(hubs: readonly DiscoveredHub[], basePath: string, taken: TakenPaths): void {
  taken.takeClassic(basePath, 'classic clients');
  for (const { descriptor } of hubs) {
    const { name, path } = descriptor;
    const used = taken.take(pathsOf(path), `hub '${name}'`);
    if (used !== undefined) {
      throw SignalRError.of('SIGNALR_HUB_PATH_TAKEN', name, used.path, used.owner);
    }
  }
}
