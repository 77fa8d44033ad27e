import { Logger } from '@nestjs/common';
import { isObservable, lastValueFrom, type Observable } from 'rxjs';

import { toError } from '../../common/errors.js';
import type { ClassicOptions } from '../../common/options.js';
import { isThenable } from '../../common/promises.js';
import { isStream } from '../../common/streams.js';
import type { Connection } from '../../connections/connection.js';
import type { HubCatalog } from '../../hubs/hub-catalog.js';
import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import type { HubInvoker } from '../../invocation/hub-invoker.js';
import type { HubRequest } from '../../transports/hub-request.js';
import { invocationErrorText } from './error-texts.js';
import type { HubMessage } from './hub-message.js';
import { hubResponse } from './hub-response.js';
import { BadClassicRequest } from './request.js';

/** Runs the calls of all clients and makes their answers. */
export class ClassicCalls {
  private static readonly logger = new Logger('SignalR.Classic');

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
    let result: unknown;
    try {
      result = this.invoker.invoke(connection, {
        hub,
        target: message.method,
        args: message.args,
        invocationId: message.invocationId,
        state: message.state,
        request,
      });
    } catch (error) {
      return this.failure(message, hub, error);
    }
    return isThenable(result) || isStream(result)
      ? lastValue(result).then(
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
    const { enableDetailedErrors } = this.options;
    const errorText = invocationErrorText(error, hub, message.hub, message.method, enableDetailedErrors);
    const { invocationId, state } = message;
    return hubResponse({ invocationId, stateJson: state.changesJson, outcome: { error, errorText } });
  }
}

/** A classic client gets one result per call: the last value of a stream. */
async function lastValue(result: unknown): Promise<unknown> {
  const value = await result;
  if (isObservable(value)) {
    return lastValueFrom(value as Observable<unknown>, { defaultValue: undefined });
  }
  if (!isStream(value)) {
    return value;
  }
  let last: unknown;
  for await (const item of value as AsyncIterable<unknown>) {
    last = item;
  }
  return last;
}
