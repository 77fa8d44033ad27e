import { Inject, type Type } from '@nestjs/common';

import { getPersistentConnectionContextToken } from '../persistent-connections/persistent-connection.context.js';

/**
 * Injects the context of a persistent connection, to reach its clients from outside of it. Its type is
 * `IPersistentConnectionContext`.
 *
 * @publicApi
 */
export function InjectPersistentConnectionContext(type: Type): PropertyDecorator & ParameterDecorator {
  return Inject(getPersistentConnectionContextToken(type));
}
