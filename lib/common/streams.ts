import { finalize, isObservable, type Observable } from 'rxjs';

import { toError } from './errors.js';
import { isThenable } from './promises.js';
import { traceSource } from './trace.js';

/** What gives several values over time. */
export type Stream = Observable<unknown> | AsyncIterable<unknown> | TrackedStream;

/** Takes what a stream gives. Must not throw. */
export interface StreamSink {
  /** A promise makes the source wait, if it is one that can: async iterables can, Observables cannot. */
  next(item: unknown): void | PromiseLike<void>;
  error(error: unknown): void;
  complete(): void;
}

/** Cancels a stream; calling it again does nothing. The promise never rejects. */
export type CancelStream = () => void | Promise<void>;

/** So many items are taken at a time from a source that never waits; then others get their turn. */
const ITEMS_PER_TURN = 128;

const logger = traceSource('SignalR.HubDispatcher');

/** True for an Observable or an async iterable (generators, `ReadableStream` and Node's streams among them). */
export function isStream(value: unknown): value is Stream {
  return (
    typeof value === 'object' &&
    value !== null &&
    (isObservable(value) || Symbol.asyncIterator in value || value instanceof TrackedStream)
  );
}

/**
 * Runs a stream into a sink.
 *
 * @returns what cancels it: nothing more reaches the sink, and the source is told that nobody listens. A promise if the source
 * takes its time to clean up.
 */
export function consume(stream: Stream, sink: StreamSink): CancelStream {
  if (stream instanceof TrackedStream) {
    return stream.consume(sink);
  }
  return isObservable(stream)
    ? subscribe(stream, sink)
    : iterate(stream[Symbol.asyncIterator].bind(stream), sink);
}

/** Lets go of a stream that nobody is going to consume. */
export function discard(stream: Stream): void {
  if (stream instanceof TrackedStream) {
    stream.discard();
  } else if (!isObservable(stream)) {
    void release(stream[Symbol.asyncIterator]());
  }
}

/**
 * Gives a result on, and calls `settled` once it is there: at once, when a promise settles, or when a stream has ended,
 * failed, been cancelled or been discarded.
 */
export function whenSettled(result: unknown, settled: (error?: unknown) => void): unknown {
  if (isThenable(result)) {
    return result.then(
      (value) => whenSettled(value, settled),
      (error: unknown) => {
        settled(error);
        throw error;
      },
    );
  }
  if (isStream(result)) {
    return new TrackedStream(result, settled);
  }
  settled();
  return result;
}

/** A stream whose end somebody wants to know of, whatever it is. */
export class TrackedStream {
  private isSettled = false;

  constructor(
    private readonly source: Stream,
    private readonly settled: (error?: unknown) => void,
  ) {}

  consume(sink: StreamSink): CancelStream {
    const cancel = consume(this.source, {
      next: (item) => sink.next(item),
      error: (error) => {
        this.settle(error);
        sink.error(error);
      },
      complete: () => {
        this.settle();
        sink.complete();
      },
    });
    return () => {
      const cleanedUp = cancel();
      if (isThenable(cleanedUp)) {
        return cleanedUp.then(() => this.settle());
      }
      this.settle();
      return undefined;
    };
  }

  discard(): void {
    discard(this.source);
    this.settle();
  }

  private settle(error?: unknown): void {
    if (!this.isSettled) {
      this.isSettled = true;
      this.settled(error);
    }
  }
}

/** The sink hears of the end when the source has cleaned up. */
function subscribe(source: Observable<unknown>, sink: StreamSink): CancelStream {
  let tellEnd: (() => void) | undefined;
  const subscription = source.pipe(finalize(() => tellEnd?.())).subscribe({
    next: (item) => void sink.next(item),
    error: (error: unknown) => {
      tellEnd = () => sink.error(error);
    },
    complete: () => {
      tellEnd = () => sink.complete();
    },
  });
  return () => subscription.unsubscribe();
}

function iterate(open: () => AsyncIterator<unknown>, sink: StreamSink): CancelStream {
  let iterator: AsyncIterator<unknown> | undefined;
  let isCancelled = false;
  const run = async (): Promise<void> => {
    try {
      iterator = open();
      for (let count = 1; ; count++) {
        const { done, value } = await iterator.next();
        if (isCancelled) {
          return;
        }
        if (done === true) {
          sink.complete();
          return;
        }
        const room = sink.next(value);
        if (isThenable(room)) {
          await room;
        } else if (count % ITEMS_PER_TURN === 0) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        if (isCancelled) {
          return;
        }
      }
    } catch (error) {
      if (isCancelled) {
        // It was told to stop, and many sources say so by an error.
        logger.debug(`a cancelled stream ended with an error: ${toError(error).message}`);
      } else {
        sink.error(error);
      }
    }
  };
  void run();
  return () => {
    isCancelled = true;
    return iterator === undefined ? undefined : release(iterator);
  };
}

/** Runs the `finally` blocks of a generator, closes what is behind a stream. */
async function release(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    await iterator.return?.();
  } catch (error) {
    logger.error('a stream could not be released', toError(error).stack);
  }
}
