import type { Type } from '@nestjs/common';

const tokens = new WeakMap<Type, symbol>();

/**
 * The injection token of a hub's context, for `overrideProvider` in tests and `inject` lists of factories. It belongs
 * to the class itself: two hubs may share a class name.
 *
 * @publicApi
 */
export function getHubContextToken(hub: Type): symbol {
  let token = tokens.get(hub);
  if (token === undefined) {
    token = Symbol(`IHubContext<${hub.name}>`);
    tokens.set(hub, token);
  }
  return token;
}
