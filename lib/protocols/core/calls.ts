import { toError } from '../../common/errors.js';
import { isThenable } from '../../common/promises.js';
import type { Stream } from '../../common/streams.js';
import { traceSource } from '../../common/trace.js';
import type { Connection } from '../../connections/connection.js';
import type { HubInvoker } from '../../invocation/hub-invoker.js';
import { HubInvocationError } from '../../invocation/invocation-error.js';
import type { Expectation, InvocationRequest } from '../../invocation/invocation-request.js';
import type { CalledMethod, ConnectedHubs } from './connected-hubs.js';
import type { CoreMessage } from './core-message.js';
import { invocationErrorText, streamErrorText } from './error-texts.js';
import type { HubProtocol } from './hub-protocol.js';
import type { InvocationMessage } from './messages.js';
import type { StreamMessages } from './result-stream.js';

/** The answer to a call; undefined if the client wants none: who sends no id gets no reply, not even of an error. */
export type Answer = CoreMessage | undefined;

/** What a call has beside its message. */
export type GivenToCall = Pick<InvocationRequest, 'uploads' | 'slot'>;

/** Runs the calls of clients of the same hubs and makes their answers. */
export class CoreCalls {
  private static readonly logger = traceSource('SignalR.HubDispatcher');

  constructor(
    private readonly hubs: ConnectedHubs,
    private readonly invoker: HubInvoker,
  ) {}

  /**
   * Runs a call for a value. Never throws and never rejects. A method that returns no promise is answered at once.
   */
  run(
    connection: Connection,
    message: InvocationMessage,
    codec: HubProtocol,
    given: GivenToCall,
  ): Answer | Promise<Answer> {
    let result: unknown;
    try {
      result = this.invoke(connection, message, 'value', given);
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

  /** Runs a call for a stream. Rejects with what went wrong before there was one. */
  async open(
    connection: Connection,
    message: InvocationMessage,
    uploads: readonly AsyncIterable<unknown>[],
  ): Promise<Stream> {
    return (await this.invoke(connection, message, 'stream', { uploads })) as Stream;
  }

  /** What the client gets of the stream of a call. */
  streamMessages({ invocationId: id = '', target }: InvocationMessage, codec: HubProtocol): StreamMessages {
    const called = this.hubs.find(target);
    const [hub, method] = namesOf(called, target);
    return {
      item: (value) => codec.item(id, value, 'An item of', hub, method),
      end: () => codec.end(id),
      broken: (error) => codec.failure(id, streamErrorText(error, hasDetails(called))),
    };
  }

  /** The answer to a call that failed. */
  error(message: InvocationMessage, error: unknown, codec: HubProtocol): Answer {
    const { invocationId } = message;
    return invocationId === undefined ? undefined : codec.failure(invocationId, this.textOf(error, message));
  }

  /** What the client may read of an error of a call. */
  textOf(error: unknown, message: InvocationMessage): string {
    const { target, arguments: args } = message;
    const called = this.hubs.find(target);
    const overload = called?.hub.methods.get(called.method.toLowerCase())?.[0];
    const name = overload === undefined ? target : this.hubs.targetOf(overload.hub, overload.name);
    return invocationErrorText(error, name, overload, args.length, hasDetails(called));
  }

  private invoke(
    connection: Connection,
    { target, arguments: args, invocationId, traceContext }: InvocationMessage,
    expects: Expectation,
    { uploads, slot }: GivenToCall,
  ): unknown {
    const called = this.hubs.find(target);
    if (called === undefined) {
      throw new HubInvocationError('unknownMethod', `There is no hub for '${target}'.`);
    }
    return this.invoker.invoke(connection, {
      hub: called.hub,
      target: called.method,
      args,
      invocationId,
      expects,
      request: connection.request,
      uploads,
      slot,
      traceContext,
    });
  }

  private success(message: InvocationMessage, result: unknown, codec: HubProtocol): Answer {
    if (message.invocationId === undefined) {
      return undefined;
    }
    try {
      const [hub, method] = namesOf(this.hubs.find(message.target), message.target);
      return codec.result(message.invocationId, result, 'The result of', hub, method);
    } catch (error) {
      // The caller gets an error, the connection lives (signalr-core §4.8).
      CoreCalls.logger.error(toError(error).message);
      return this.error(message, error, codec);
    }
  }
}

/** What errors of values that cannot be sent name. */
function namesOf(called: CalledMethod | undefined, target: string): [hub: string, method: string] {
  return [called?.hub.name ?? '', called?.method ?? target];
}

function hasDetails(called: CalledMethod | undefined): boolean {
  return called?.hub.coreOptions?.enableDetailedErrors === true;
}
