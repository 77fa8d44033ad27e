/** What every operation that is done at once returns, so that it costs no promise of its own. */
export const DONE: Promise<void> = Promise.resolve();

/** True for promises and everything else with a `then` method. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/** Goes on with a value, at once unless it is a promise. */
export function andThen<T, R>(
  value: T | PromiseLike<T>,
  proceed: (value: T) => R | Promise<R>,
): R | Promise<R> {
  return isThenable(value) ? Promise.resolve(value as PromiseLike<T>).then(proceed) : proceed(value as T);
}

/** Does something that may fail, at once or later; a failure becomes what is made of it. */
export function recover<T, F>(
  work: () => T | PromiseLike<T>,
  onFailure: (error: unknown) => F,
): T | F | Promise<T | F> {
  try {
    const outcome = work();
    return isThenable(outcome) ? Promise.resolve(outcome as PromiseLike<T>).catch(onFailure) : (outcome as T);
  } catch (error) {
    return onFailure(error);
  }
}

/** Does something, and something else when that is over, however it ends. */
export function lastly<T>(work: () => T | Promise<T>, over: () => void): T | Promise<T> {
  let isPending = false;
  try {
    const outcome = work();
    isPending = isThenable(outcome);
    return isPending ? (outcome as Promise<T>).finally(over) : outcome;
  } finally {
    if (!isPending) {
      over();
    }
  }
}

/** All of some values, at once unless one of them is a promise. */
export function all<T>(values: readonly (T | PromiseLike<T>)[]): readonly T[] | Promise<readonly T[]> {
  return values.some(isThenable) ? Promise.all(values) : (values as readonly T[]);
}

/**
 * Waits for all, then fails with the first failure.
 *
 * @param report gets the other failures: nobody would hear of them.
 */
export async function allOrFirstFailure(
  work: readonly Promise<void>[],
  report: (error: unknown) => void,
): Promise<void> {
  const outcomes = await Promise.allSettled(work);
  const [first, ...others] = outcomes.filter(
    ({ status }) => status === 'rejected',
  ) as PromiseRejectedResult[];
  for (const { reason } of others) {
    report(reason);
  }
  if (first !== undefined) {
    throw first.reason;
  }
}
