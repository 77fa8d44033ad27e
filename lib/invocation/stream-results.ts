import { Observable } from 'rxjs';

import { consume, discard, isStream, type Stream } from '../common/streams.js';
import { HubException } from '../hubs/hub.exception.js';
import type { HubCall } from './hub-call.js';
import { HubInvocationError } from './invocation-error.js';

/**
 * Checks what can be told before the method runs: that it gives a stream if the client wants one, and takes those that
 * the client sends (signalr-core §6.2).
 *
 * @throws HubInvocationError, HubException
 */
export function requireStreams({ method, expects, uploads }: HubCall): void {
  if (method === undefined) {
    return;
  }
  if (method.givesStream === true && expects === 'value') {
    throw mismatch('stream');
  }
  if (method.givesStream === false && expects === 'stream') {
    throw mismatch('noStream');
  }
  if (method.streamParameters !== uploads.length) {
    throw new HubException(
      `Client sent ${uploads.length} stream(s), Hub method expects ${method.streamParameters}.`,
    );
  }
}

/** Checks what a method has given. A stream that the client did not ask for is let go. @throws HubInvocationError */
export function requireExpected(result: unknown, { expects, method }: HubCall): void {
  if (isStream(result)) {
    if (expects === 'value') {
      discard(result);
      throw mismatch('stream');
    }
  } else if (expects === 'stream') {
    throw mismatch(method?.givesStream === true ? 'nothingToStream' : 'noStream');
  }
}

function mismatch(failure: 'stream' | 'noStream' | 'nothingToStream'): HubInvocationError {
  return new HubInvocationError(
    failure,
    failure === 'stream' ? 'The method gives a stream.' : 'The method gives no stream.',
  );
}

/** A stream as Observable: its source waits while the client takes nothing, if it can. */
export function observe(stream: Stream, { connection }: HubCall): Observable<unknown> {
  return new Observable((subscriber) =>
    consume(stream, {
      next: (item) => {
        subscriber.next(item);
        return connection.whenWritable();
      },
      error: (error) => subscriber.error(error),
      complete: () => subscriber.complete(),
    }),
  );
}

/** A client that knows no streams gets each item as progress, for as long as it is there, and the last one as result. */
export function reportItems(stream: Stream, call: HubCall): Promise<unknown> {
  const { progress, connection, cancellation } = call;
  return new Promise((resolve, reject) => {
    let last: unknown;
    const cancel = consume(stream, {
      next: (item) => {
        last = item;
        void progress.report(item);
        return connection.whenWritable();
      },
      error: reject,
      complete: () => resolve(last),
    });
    const stop = (): void => {
      void cancel();
      resolve(last);
    };
    if (cancellation.aborted) {
      stop();
    } else {
      cancellation.addEventListener('abort', stop, { once: true });
    }
  });
}
