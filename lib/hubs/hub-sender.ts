import { SignalRError } from '../common/errors.js';
import { toJson } from '../common/json.js';
import type { Backplane } from '../messaging/backplane.js';
import type { Message } from '../messaging/envelope.js';
import { MessageSender } from '../messaging/message-sender.js';
import { connectionTopic, type Topic } from '../messaging/topics.js';

/**
 * A call of a client method on its way out, as pipeline modules see it (signalr-2 §7.7).
 *
 * @publicApi
 */
export interface HubOutgoingContext {
  /** Canonical name of the hub that calls. */
  readonly hub: string;
  /** The client method. Assign another name to call that one. */
  method: string;
  /** The arguments. Assign others to send those. */
  args: readonly unknown[];
  /** Whom it is for: `h-<hub>` everybody, `g-<hub>.<group>`, `u-<hub>.<user>`, `c-<connection id>`. */
  readonly topics: readonly Topic[];
  /** Connections that do not get it. */
  readonly excluded: readonly string[];
  /** Changed caller state as JSON, for calls to the caller of a classic client. */
  readonly stateJson: string | undefined;
}

/** Puts the arguments of calls into the form of a hub protocol that does not send JSON. */
export interface ArgumentEncoder {
  readonly name: string;
  encodeArguments?(args: readonly unknown[], ...what: string[]): string;
}

/** Sends a call to clients: the next step of the outgoing pipeline. */
export type SendHubCall = (call: HubOutgoingContext) => void | Promise<void>;

/** Wraps the sending of calls of one hub; undefined if no pipeline module has anything to do with it. */
export type BuildOutgoing = ((send: SendHubCall) => SendHubCall) | undefined;

/** Sends the client calls of one hub: the way of every message out starts here. */
export class HubSender extends MessageSender {
  private sendCall: SendHubCall | undefined;

  constructor(
    /** Canonical name of the hub. */
    readonly hub: string,
    backplane: Backplane,
    /** Asked once, by the first call: by then all pipeline modules are known. */
    private readonly outgoing: () => BuildOutgoing = () => undefined,
    private readonly encoders: readonly ArgumentEncoder[] = [],
  ) {
    super(hub, backplane, 'SignalR.HubDispatcher');
  }

  /**
   * Publishes a call once per topic, so a connection that two of them reach gets it twice (signalr-2 §5.4,
   * signalr-core §7.1).
   */
  send(
    topics: readonly Topic[],
    method: string,
    args: readonly unknown[],
    excluded: readonly string[] = [],
    stateJson?: string,
  ): Promise<void> {
    const call: HubOutgoingContext = { hub: this.hub, method, args, topics, excluded, stateJson };
    try {
      this.sendCall ??= this.build();
      return this.reported(this.sendCall(call), method);
    } catch (error) {
      return this.reported(Promise.reject(error as Error), method);
    }
  }

  /** Publishes what a running method says of its progress (signalr-2 §6.4). */
  report(connectionId: string, invocationId: string, value: unknown, stateJson?: string): Promise<void> {
    try {
      const valueJson = toJson(value, 'The progress of a call of', this.hub);
      const state = stateJson === undefined ? {} : { stateJson };
      const message: Message = { type: 'progress', invocationId, valueJson, ...state };
      return this.reported(this.publish([connectionTopic(connectionId)], message), 'progress');
    } catch (error) {
      return this.reported(Promise.reject(error as Error), 'progress');
    }
  }

  private build(): SendHubCall {
    const publish: SendHubCall = (call) => this.publishCall(call);
    return this.outgoing()?.(publish) ?? publish;
  }

  private publishCall({
    topics,
    method,
    args,
    excluded,
    stateJson,
  }: HubOutgoingContext): void | Promise<void> {
    if (this.logger.isVerbose) {
      this.logger.verbose(`${this.hub} calls ${method} of ${topics.join(', ')}`);
    }
    return this.publish(topics, {
      type: 'call',
      hub: this.hub,
      method: requireMethod(method),
      argumentsJson: toJson(args, 'An argument of', this.hub, method),
      ...(this.encoders.length > 0 && { encodedArguments: this.encode(args, method) }),
      ...(stateJson !== undefined && { stateJson }),
      ...(excluded.length > 0 && { excluded }),
    });
  }

  private encode(args: readonly unknown[], method: string): Record<string, string> {
    const encoded: Record<string, string> = {};
    for (const encoder of this.encoders) {
      const text = encoder.encodeArguments?.(args, 'An argument of', this.hub, method);
      if (text !== undefined) {
        encoded[encoder.name] = text;
      }
    }
    return encoded;
  }
}

function requireMethod(method: unknown): string {
  if (typeof method !== 'string' || method === '') {
    throw SignalRError.of('SIGNALR_ARGUMENT_EMPTY');
  }
  return method;
}
