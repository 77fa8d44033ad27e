import { ReadableStream } from 'node:stream/web';

import type { Type } from '@nestjs/common';
import { Observable } from 'rxjs';

import { consume } from '../common/streams.js';

/** What `@HubStream()` takes. */
export interface HubStreamOptions {
  /** Class of the items, for pipes that validate: the type of a parameter does not tell what is in its stream. Default: none. */
  readonly item?: Type;
}

/** How a method wants to have a stream of the client. */
export type StreamForm = 'iterable' | 'observable' | 'readable';

/** The form that the type of a parameter asks for; undefined if it is no stream. */
export function streamForm(type: unknown): StreamForm | undefined {
  return type === Observable ? 'observable' : type === ReadableStream ? 'readable' : undefined;
}

/** Marks parameters that are decorated with `@HubStream()`; Nest never calls it. */
export function clientStream(): undefined {
  return undefined;
}

/** Puts a stream of the client into the form that the method wants. @param handle what each item goes through */
export function shapeStream(
  upload: AsyncIterable<unknown>,
  form: StreamForm,
  handle: ((item: unknown) => unknown) | undefined,
): unknown {
  const items = handle === undefined ? upload : mapItems(upload, handle);
  switch (form) {
    case 'iterable':
      return items;
    case 'observable':
      return new Observable((subscriber) => consume(items, subscriber));
    case 'readable':
      return ReadableStream.from(items);
  }
}

async function* mapItems(
  items: AsyncIterable<unknown>,
  handle: (item: unknown) => unknown,
): AsyncGenerator<unknown> {
  for await (const item of items) {
    yield await handle(item);
  }
}
