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
