import type { Type } from '@nestjs/common';

import { SignalRError } from '../common/errors.js';

const PERSISTENT_CONNECTION = 'signalr:persistent-connection';

const declared = new Set<Type>();

/** The path that `@PersistentConnection()` wrote on a class itself; undefined if it is none. */
export function readConnectionPath(type: object): string | undefined {
  return Reflect.getOwnMetadata(PERSISTENT_CONNECTION, type) as string | undefined;
}

export function writeConnectionPath(type: Type, path: string): void {
  Reflect.defineMetadata(PERSISTENT_CONNECTION, path, type);
  declared.add(type);
}

/** Every persistent connection that has been loaded so far: their contexts are injectable. */
export function declaredConnections(): readonly Type[] {
  return [...declared];
}

/**
 * What a persistent connection is called in topics and groups tokens: its path. Topics have the group behind the first
 * dot, so a path must not bring one.
 *
 * @throws SignalRError SIGNALR_CONNECTION_NOT_DECORATED
 */
export function connectionName(type: Type): string {
  const path = readConnectionPath(type);
  if (path === undefined) {
    throw SignalRError.of('SIGNALR_CONNECTION_NOT_DECORATED', type.name);
  }
  return path.replaceAll('%', '%25').replaceAll('.', '%2E');
}
