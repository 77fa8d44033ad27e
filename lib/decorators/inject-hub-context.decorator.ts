import { Inject, type Type } from '@nestjs/common';

import { getHubContextToken } from '../hubs/hub-context.token.js';

/**
 * Injects the context of a hub, to call its clients from outside of it. Its type is `IHubContext<THub>`.
 *
 * @publicApi
 */
export function InjectHubContext(hub: Type): PropertyDecorator & ParameterDecorator {
  return Inject(getHubContextToken(hub));
}
