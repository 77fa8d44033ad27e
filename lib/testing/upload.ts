import type { ClientStream, StreamSubscriber } from '../client/index.js';
import { type CancelStream, consume, isStream } from '../common/streams.js';

/** A stream that a client sends: an async iterable, an Observable, a `Subject` of the real client. */
export type Upload = AsyncIterable<unknown> | ClientStream<unknown>;

/** True for arguments that are streams. */
export function isUpload(argument: unknown): argument is Upload {
  return isStream(argument) || typeof (argument as ClientStream<unknown> | null)?.subscribe === 'function';
}

/** Runs a stream. @returns what ends it when there is nobody left to send it to */
export function startUpload(upload: Upload, sink: StreamSubscriber<unknown>): CancelStream {
  if (isStream(upload)) {
    return consume(upload, sink);
  }
  upload.subscribe(sink);
  return () => undefined;
}
