import { WsException } from '@nestjs/websockets';

import { toError } from '../../common/errors.js';
import type { HubDescriptor, HubMethodDescriptor } from '../../hubs/hub-descriptor.js';
import { HubInvocationError } from '../../invocation/invocation-error.js';

/**
 * The one place that decides what a classic client may read of an error (signalr-2 §6.7). Names are spelled as the
 * client sent them.
 */
export function invocationErrorText(
  thrown: unknown,
  hub: HubDescriptor,
  hubAsSent: string,
  methodAsSent: string,
  withDetails: boolean,
): string {
  const error = toError(thrown);
  if (error instanceof WsException) {
    return error.message;
  }
  if (!withDetails) {
    return `There was an error invoking Hub method '${hubAsSent}.${methodAsSent}'.`;
  }
  return error instanceof HubInvocationError ? failureText(error, hub, methodAsSent) : error.message;
}

function failureText(error: HubInvocationError, hub: HubDescriptor, methodAsSent: string): string {
  const overloads = hub.methods.get(methodAsSent.toLowerCase()) ?? [];
  switch (error.failure) {
    case 'unknownMethod':
    case 'argumentCount':
      return resolutionText(overloads, methodAsSent);
    case 'unauthorized':
      return `Caller is not authorized to invoke the ${overloads[0]?.name ?? ''} method on ${hub.name}.`;
    case 'binding':
    case 'stream':
    case 'noStream':
    case 'nothingToStream':
      return error.message;
  }
}

/** Candidates are listed only if the name was spelled as declared. */
function resolutionText(overloads: readonly HubMethodDescriptor[], methodAsSent: string): string {
  const candidates = overloads.filter(({ name }) => name === methodAsSent);
  return candidates.length === 0
    ? `'${methodAsSent}' method could not be resolved. No method found with that name.`
    : `'${methodAsSent}' method could not be resolved. Potential candidates are: \n${candidates.map(signature).join('\n')}`;
}

function signature({ name, parameters, returnTypeName }: HubMethodDescriptor): string {
  const list = parameters.map((parameter) => `${parameter.name}:${parameter.typeName}`).join(', ');
  return `${name}(${list}):${returnTypeName}`;
}
