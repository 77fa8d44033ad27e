/**
 * Decorators without a compiler: these servers are plain JavaScript, so what `@Decorator()` does in TypeScript is done
 * by a call.
 */

/** @param {Function} target @param {...Function} decorators */
export function decorateClass(target, ...decorators) {
  for (const decorate of decorators) {
    decorate(target);
  }
}

/** @param {Function} target @param {string} method @param {...Function} decorators */
export function decorateMethod(target, method, ...decorators) {
  for (const decorate of decorators) {
    decorate(target.prototype, method, Object.getOwnPropertyDescriptor(target.prototype, method));
  }
}

/** @param {Function} target @param {string} method @param {number} index @param {...Function} decorators */
export function decorateParameter(target, method, index, ...decorators) {
  for (const decorate of decorators) {
    decorate(target.prototype, method, index);
  }
}

/** @param {Function} target @param {number} index @param {...Function} decorators */
export function decorateConstructorParameter(target, index, ...decorators) {
  for (const decorate of decorators) {
    decorate(target, undefined, index);
  }
}

/** @param {Function} target @param {string} property @param {...Function} decorators */
export function decorateProperty(target, property, ...decorators) {
  for (const decorate of decorators) {
    decorate(target.prototype, property);
  }
}
