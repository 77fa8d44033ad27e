import { Injectable, type Type } from '@nestjs/common';

import { writeConnectionPath } from '../persistent-connections/persistent-connection.metadata.js';

/**
 * Makes a class a persistent connection: a provider that classic clients without hubs connect to. It extends
 * `SignalRPersistentConnection`; list it in the `providers` of any module.
 *
 * @param path where clients find it, such as `/echo`.
 * @publicApi
 */
export function PersistentConnection(path: string): ClassDecorator {
  return (type) => {
    Injectable()(type);
    writeConnectionPath(type as unknown as Type, path);
  };
}
