import { createParamDecorator, type PipeTransform, type Type } from '@nestjs/common';

import { clientStream, type HubStreamOptions } from '../invocation/stream-parameter.js';

/**
 * Gives a parameter of a hub method a stream that the client sends with its call: as Observable or `ReadableStream` if
 * that is the type of the parameter (which then needs no decorator), otherwise as async iterable. It takes no argument of
 * the client; the streams of a call are given to such parameters in order (signalr-core §6.6).
 *
 * Pipes run on each item; one that throws fails the stream for the method that reads it, not the call. Reading throws
 * a `HubException` with what the client says if its stream fails, and a `SignalRError` with SIGNALR_STREAM_LOST if the
 * connection ends.
 *
 * @publicApi
 */
export const HubStream: (
  options?: HubStreamOptions,
  ...pipes: (Type<PipeTransform> | PipeTransform)[]
) => ParameterDecorator = createParamDecorator(clientStream);
