import { toError } from '../../common/errors.js';
import type { CoreHubOptions } from '../../common/options.js';
import { isThenable } from '../../common/promises.js';
import { isStream } from '../../common/streams.js';
import { traceSource } from '../../common/trace.js';
import type { Connection } from '../../connections/connection.js';
import { HubException } from '../../hubs/hub.exception.js';
import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import type { HubInvoker } from '../../invocation/hub-invoker.js';
import type { CoreMessage } from './core-message.js';
import { invocationErrorText } from './error-texts.js';
import type { HubProtocol } from './hub-protocol.js';
import { type InvocationMessage, MessageType } from './messages.js';

/** The answer to a call; undefined if the client wants none: who sends no id gets no reply, not even of an error. */
export type Answer = CoreMessage | undefined;

/** Runs the calls of all clients of one hub and makes their answers. */
export class CoreCalls {
  private static readonly logger = traceSource('SignalR.HubDispatcher');

  constructor(
    private readonly hub: HubDescriptor,
    private readonly options: CoreHubOptions,
    private readonly invoker: HubInvoker,
  ) {}

  /** Never throws and never rejects. A method that returns no promise is answered at once. */
  run(connection: Connection, message: InvocationMessage, codec: HubProtocol): Answer | Promise<Answer> {
    const refusal = this.refuse(message);
    if (refusal !== undefined) {
      return this.failure(message, refusal, codec);
    }
    let result: unknown;
    try {
      result = this.invoker.invoke(connection, {
        hub: this.hub,
        target: message.target,
        args: message.arguments,
        invocationId: message.invocationId,
        request: connection.request,
      });
    } catch (error) {
      return this.error(message, error, codec);
    }
    return isThenable(result)
      ? Promise.resolve(result).then(
          (value) => this.success(message, value, codec),
          (error: unknown) => this.error(message, error, codec),
        )
      : this.success(message, result, codec);
  }

  /** What no method can take yet: streams in either direction. */
  private refuse({ type, target, streamIds }: InvocationMessage): string | undefined {
    const method = this.hub.methods.get(target.toLowerCase())?.[0];
    if (method === undefined) {
      return undefined;
    }
    if (streamIds.length > 0) {
      const complaint = `Client sent ${streamIds.length} stream(s), Hub method expects 0.`;
      return this.textOf(new HubException(complaint), target, 0);
    }
    return type === MessageType.StreamInvocation
      ? `The client attempted to invoke the non-streaming '${method.name}' method with a streaming invocation.`
      : undefined;
  }

  private success(message: InvocationMessage, result: unknown, codec: HubProtocol): Answer {
    if (isStream(result)) {
      const name = this.hub.methods.get(message.target.toLowerCase())?.[0]?.name ?? message.target;
      return this.failure(
        message,
        `The client attempted to invoke the streaming '${name}' method with a non-streaming invocation.`,
        codec,
      );
    }
    if (message.invocationId === undefined) {
      return undefined;
    }
    try {
      return codec.result(message.invocationId, result, 'The result of', this.hub.name, message.target);
    } catch (error) {
      // The caller gets an error, the connection lives (signalr-core §4.8).
      CoreCalls.logger.error(toError(error).message);
      return this.error(message, error, codec);
    }
  }

  private error(message: InvocationMessage, error: unknown, codec: HubProtocol): Answer {
    return this.failure(message, this.textOf(error, message.target, message.arguments.length), codec);
  }

  private textOf(error: unknown, target: string, argumentCount: number): string {
    return invocationErrorText(error, this.hub, target, argumentCount, this.options.enableDetailedErrors);
  }

  private failure({ invocationId }: InvocationMessage, text: string, codec: HubProtocol): Answer {
    return invocationId === undefined ? undefined : codec.failure(invocationId, text);
  }
}
