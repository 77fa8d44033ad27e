import { isObservable } from 'rxjs';

/** True for what gives several values over time: an Observable or an async iterable. */
export function isStream(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && (isObservable(value) || Symbol.asyncIterator in value)
  );
}
