import { finalize, isObservable, type Observable } from 'rxjs';

import { isThenable } from './promises.js';

/** True for what gives several values over time: an Observable or an async iterable. */
export function isStream(value: unknown): value is Observable<unknown> | AsyncIterable<unknown> {
  return (
    typeof value === 'object' && value !== null && (isObservable(value) || Symbol.asyncIterator in value)
  );
}

/** Gives a result on, and calls `settled` once it is there: at once, when a promise settles, or when a stream has ended. */
export function whenSettled(result: unknown, settled: () => void): unknown {
  if (isThenable(result)) {
    return result.then(
      (value) => whenSettled(value, settled),
      (error: unknown) => {
        settled();
        throw error;
      },
    );
  }
  if (isObservable(result)) {
    return result.pipe(finalize(settled));
  }
  if (isStream(result)) {
    return iterateThen(result as AsyncIterable<unknown>, settled);
  }
  settled();
  return result;
}

async function* iterateThen(items: AsyncIterable<unknown>, settled: () => void): AsyncGenerator<unknown> {
  try {
    yield* items;
  } finally {
    settled();
  }
}
