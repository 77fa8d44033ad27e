import type { Type } from '@nestjs/common';

/**
 * Makes injection tokens that belong to classes themselves: two classes may share a name.
 *
 * @param label how the token of a class is shown.
 */
export function classTokens(label: (name: string) => string): (type: Type) => symbol {
  const tokens = new WeakMap<Type, symbol>();
  return (type) => {
    let token = tokens.get(type);
    if (token === undefined) {
      token = Symbol(label(type.name));
      tokens.set(type, token);
    }
    return token;
  };
}
