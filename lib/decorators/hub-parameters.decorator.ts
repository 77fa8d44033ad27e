import { createParamDecorator } from '@nestjs/common';

import { SignalRExecutionContext } from '../invocation/signalr-execution-context.js';

/**
 * Gives a parameter of a hub method the `HubCallerContext`: who calls. For methods that are called in other ways, too,
 * and hubs that keep `this.context` out of their signatures. The parameter takes no argument of the client.
 *
 * @publicApi
 */
export const HubContextParam: () => ParameterDecorator = createParamDecorator(
  (_, context) => SignalRExecutionContext.create(context).caller,
);

/**
 * Gives a parameter of a hub method an `AbortSignal` that fires when nobody waits for the method any more: the client has
 * cancelled the call or does not listen to its stream any longer, or the connection has ended. The parameter takes no
 * argument of the client (signalr-core §6.5).
 *
 * @publicApi
 */
export const HubCancellation: () => ParameterDecorator = createParamDecorator(
  (_, context) => SignalRExecutionContext.create(context).cancellation,
);
