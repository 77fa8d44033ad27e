/**
 * Names that are never client methods, because the language or its tools ask every object for them: a selector that is
 * returned from an async function, logged or compared must not send anything. Such a client method is called with
 * `.invoke(name, …)`.
 */
const NEVER_METHODS: ReadonlySet<string> = new Set([
  'then',
  'catch',
  'finally',
  'toJSON',
  'prototype',
  'inspect',
  ...Object.getOwnPropertyNames(Object.prototype),
]);

/** True if reading this property of a selector gives a client method. */
export function isClientMethod(property: string | symbol): property is string {
  return typeof property === 'string' && !NEVER_METHODS.has(property);
}
