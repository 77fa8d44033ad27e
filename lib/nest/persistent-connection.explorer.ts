import { Injectable } from '@nestjs/common';

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
import { ServedClassExplorer, type ServedKind } from './served-class.explorer.js';
import type { TakenPaths } from './taken-paths.js';

const kind: ServedKind<SignalRPersistentConnection> = {
  decorator: 'PersistentConnection',
  base: SignalRPersistentConnection,
  pathOf: readConnectionPath,
};

/** Finds the persistent connections of the application and gives each the means to send. */
@Injectable()
export class PersistentConnectionExplorer {
  constructor(
    private readonly explorer: ServedClassExplorer,
    private readonly registry: PersistentConnectionRegistry,
  ) {}

  /**
   * @param prefix what stands before all paths.
   * @throws SignalRError with one clear message for the first thing that cannot work.
   */
  explore(prefix: string, taken: TakenPaths): PersistentConnectionDescriptor[] {
    return this.explorer
      .explore(kind, prefix, (path, owner) => taken.takeClassic(path, owner))
      .map((served) => {
        served.instance[CONNECTION_CONTEXT] = this.registry.get(served.type);
        return { ...served, name: connectionName(served.type) };
      });
  }
}
