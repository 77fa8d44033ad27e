import { createParamDecorator } from '@nestjs/common';

import { SignalRExecutionContext } from '../invocation/signalr-execution-context.js';

/**
 * Gives a parameter of a hub method an `IProgress`, by which the method tells its caller how far it is. The parameter
 * takes no argument of the client (signalr-2 §6.4).
 *
 * @publicApi
 */
export const HubProgress: () => ParameterDecorator = createParamDecorator(
  (_, context) => SignalRExecutionContext.create(context).progress,
);
