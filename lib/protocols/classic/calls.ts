import { WsException } from '@nestjs/websockets';

import { toError } from '../../common/errors.js';
import type { ClassicOptions } from '../../common/options.js';
import { isThenable } from '../../common/promises.js';
import { traceSource } from '../../common/trace.js';
import type { Connection } from '../../connections/connection.js';
import type { HubCatalog } from '../../hubs/hub-catalog.js';
import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import type { HubInvoker } from '../../invocation/hub-invoker.js';
import { HubInvocationError } from '../../invocation/invocation-error.js';
import type { HubRequest } from '../../transports/hub-request.js';
import { isDeeperThan } from '../depth.js';
import { invocationErrorText } from './error-texts.js';
import type { HubMessage } from './hub-message.js';
import { hubResponse } from './hub-response.js';
import { BadClassicRequest } from './request.js';

/** How deep an argument may be nested (signalr-2 §6.9). */
const ARGUMENT_DEPTH = 20;
const TOO_DEEP = `The reader's MaxDepth of ${ARGUMENT_DEPTH} has been exceeded.`;

/** Runs the calls of all clients and makes their answers. */
export class ClassicCalls {
  private static readonly logger = traceSource('SignalR.HubDispatcher');

  constructor(
    private readonly options: ClassicOptions,
    private readonly catalog: HubCatalog,
    private readonly invoker: HubInvoker,
  ) {}

  /**
   * Gives the response of a call as JSON; at once for a method that returns no promise. Never rejects.
   *
   * @param request the request that carried the call.
   * @throws BadClassicRequest if it never reached a hub: such calls have no response.
   */
  run(connection: Connection, message: HubMessage, request: HubRequest): string | Promise<string> {
    const hub = this.catalog.find(message.hub);
    if (hub === undefined) {
      throw new BadClassicRequest(`'${message.hub}' Hub could not be resolved.`);
    }
    const { method: target, args, invocationId, state } = message;
    if (args.some((argument) => isDeeperThan(argument, ARGUMENT_DEPTH))) {
      return this.failure(message, hub, new HubInvocationError('binding', TOO_DEEP));
    }
    let result: unknown;
    try {
      result = this.invoker.invoke(connection, {
        hub,
        target,
        args,
        invocationId,
        state,
        request,
        expects: 'progress',
      });
    } catch (error) {
      return this.failure(message, hub, error);
    }
    return isThenable(result)
      ? Promise.resolve(result).then(
          (value) => this.success(message, hub, value),
          (error: unknown) => this.failure(message, hub, error),
        )
      : this.success(message, hub, result);
  }

  private success(message: HubMessage, hub: HubDescriptor, result: unknown): string {
    const { invocationId, state } = message;
    try {
      return hubResponse({ invocationId, stateJson: state.changesJson, outcome: { result } });
    } catch (error) {
      ClassicCalls.logger.error(`${hub.name}.${message.method}: ${toError(error).message}`);
      return this.failure(message, hub, error);
    }
  }

  private failure(message: HubMessage, hub: HubDescriptor, error: unknown): string {
    const { enableDetailedErrors, developmentMode } = this.options;
    const errorText = invocationErrorText(error, hub, message.hub, message.method, enableDetailedErrors);
    const isDisclosed = enableDetailedErrors || error instanceof WsException;
    const stackTrace = developmentMode && isDisclosed ? toError(error).stack : undefined;
    const { invocationId, state } = message;
    const outcome = { error, errorText, stackTrace };
    return hubResponse({ invocationId, stateJson: state.changesJson, outcome });
  }
}
