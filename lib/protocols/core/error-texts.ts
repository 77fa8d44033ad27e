import { WsException } from '@nestjs/websockets';

import { toError } from '../../common/errors.js';
import type { HubMethodDescriptor } from '../../hubs/hub-descriptor.js';
import { HubInvocationError } from '../../invocation/invocation-error.js';
import { ProtocolError } from './messages.js';

/** What clients read when their connection fails. */
export const CONNECTION_CLOSED = 'Connection closed with an error.';

/**
 * The one place that decides what a Core client may read of an error: the base text alone, unless the error was made
 * for clients or detailed errors are on (signalr-core §4.9, rule D).
 */
export function detailed(base: string, error: Error, withDetails: boolean): string {
  return withDetails || error instanceof WsException ? `${base} ${typeName(error)}: ${error.message}` : base;
}

/**
 * The text of a failed call.
 *
 * @param name how the client calls the method, spelled as it was declared if it exists.
 * @param overload the method, or the first of those that share the name; undefined if there is none.
 */
export function invocationErrorText(
  thrown: unknown,
  name: string,
  overload: HubMethodDescriptor | undefined,
  argumentCount: number,
  withDetails: boolean,
): string {
  if (!(thrown instanceof HubInvocationError)) {
    return detailed(
      `An unexpected error occurred invoking '${name}' on the server.`,
      toError(thrown),
      withDetails,
    );
  }
  const base = `Failed to invoke '${name}' due to an error on the server.`;
  switch (thrown.failure) {
    case 'unknownMethod':
      return `${base} HubException: Method does not exist.`;
    case 'argumentCount':
      return detailed(
        base,
        new ProtocolError(
          `Invocation provides ${argumentCount} argument(s) but target expects ${overload?.parameters.length ?? 0}.`,
        ),
        withDetails,
      );
    case 'binding':
      return detailed(
        base,
        new ProtocolError(
          'Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked.',
        ),
        withDetails,
      );
    case 'unauthorized':
      return `Failed to invoke '${name}' because user is unauthorized`;
    case 'stream':
      return `The client attempted to invoke the streaming '${name}' method with a non-streaming invocation.`;
    case 'noStream':
      return `The client attempted to invoke the non-streaming '${name}' method with a streaming invocation.`;
    case 'nothingToStream':
      return `The value returned by the streaming method '${overload?.propertyKey ?? name}' is not a ChannelReader<> or IAsyncEnumerable<>.`;
  }
}

/** The text of a stream that failed after it had begun. */
export function streamErrorText(thrown: unknown, withDetails: boolean): string {
  return detailed('An error occurred on the server while streaming results.', toError(thrown), withDetails);
}

function typeName(error: Error): string {
  return error instanceof ProtocolError ? error.name : error.constructor.name;
}
