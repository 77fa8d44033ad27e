import { Injectable } from '@nestjs/common';

import { SignalRError } from '../common/errors.js';
import { path as pathRule } from '../common/option-rules.js';
import {
  CONNECTION_CONTEXT,
  SignalRPersistentConnection,
} from '../persistent-connections/persistent-connection.js';
import type { PersistentConnectionDescriptor } from '../persistent-connections/persistent-connection-host.js';
import {
  connectionName,
  readConnectionPath,
} from '../persistent-connections/persistent-connection.metadata.js';
import { PersistentConnectionRegistry } from './persistent-connection.registry.js';
import { ProviderScanner, type ScannedProvider } from './provider-scanner.js';

/** Finds the persistent connections of the application and gives each the means to send. */
@Injectable()
export class PersistentConnectionExplorer {
  constructor(
    private readonly scanner: ProviderScanner,
    private readonly registry: PersistentConnectionRegistry,
  ) {}

  /**
   * @param prefix what stands before all paths.
   * @param taken paths that are in use, in lower case, with their owners.
   * @throws SignalRError with one clear message for the first thing that cannot work.
   */
  explore(prefix: string, taken: ReadonlyMap<string, string>): PersistentConnectionDescriptor[] {
    const owners = new Map(taken);
    const found: PersistentConnectionDescriptor[] = [];
    for (const provider of this.scanner.scan()) {
      const path = readConnectionPath(provider.type);
      if (path === undefined) {
        continue;
      }
      const descriptor = this.describe(provider, path, prefix);
      const owner = owners.get(descriptor.path.toLowerCase());
      if (owner !== undefined) {
        throw SignalRError.of('SIGNALR_CONNECTION_PATH', provider.type.name, path, `it is used by ${owner}.`);
      }
      owners.set(descriptor.path.toLowerCase(), provider.type.name);
      found.push(descriptor);
    }
    return found;
  }

  private describe(
    { type, wrapper, moduleKey }: ScannedProvider,
    path: string,
    prefix: string,
  ): PersistentConnectionDescriptor {
    const complaint = pathRule(path);
    if (complaint !== undefined) {
      throw SignalRError.of('SIGNALR_CONNECTION_PATH', type.name, path, complaint);
    }
    if (wrapper.isTransient || !wrapper.isDependencyTreeStatic()) {
      throw SignalRError.of('SIGNALR_CONNECTION_SCOPED', type.name);
    }
    const instance: unknown = wrapper.instance;
    if (!(instance instanceof SignalRPersistentConnection)) {
      throw SignalRError.of('SIGNALR_CONNECTION_TYPE', type.name);
    }
    instance[CONNECTION_CONTEXT] = this.registry.get(type);
    return { type, name: connectionName(type), path: prefix + path, instance, moduleKey };
  }
}
