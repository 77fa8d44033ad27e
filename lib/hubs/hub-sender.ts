import { isUnacknowledged, SignalRError } from '../common/errors.js';
import { toJson } from '../common/json.js';
import type { Backplane } from '../messaging/backplane.js';
import type { ConnectionEntry } from '../messaging/connection-directory.js';
import type { ClientCall, Message } from '../messaging/envelope.js';
import { MessageSender } from '../messaging/message-sender.js';
import type { ClientAnswer, NodeCommand } from '../messaging/node-command.js';
import { connectionOf, connectionTopic, queryOf, type Topic } from '../messaging/topics.js';
import { type ClientResult, type GatherOptions, resultOf } from './client-results.js';

/** The owner of a connection tells of a silent client itself; so much longer, in milliseconds, it is waited for. */
const ACKNOWLEDGEMENT_GRACE = 1_000;

const GONE: ClientAnswer = { type: 'gone' };
const NOBODY: readonly string[] = [];

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

/** A call on its way out that wants an answer. It takes the same way as others. */
class Question implements HubOutgoingContext {
  readonly topics: readonly Topic[];
  readonly excluded = [];
  /** Undefined if a pipeline module has dropped the call. */
  answer: ClientAnswer | undefined;

  constructor(
    readonly hub: string,
    readonly connectionId: string,
    public method: string,
    public args: readonly unknown[],
    readonly stateJson: string | undefined,
    readonly timeout: number,
  ) {
    this.topics = [connectionTopic(connectionId)];
  }
}

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
    /** How long, in milliseconds, clients have to answer. */
    private readonly resultTimeout = 30_000,
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
      return this.reported(this.pass(call), method);
    } catch (error) {
      return this.reported(Promise.reject(error as Error), method);
    }
  }

  /** Calls a method of one client and gives its result. */
  async ask(
    connectionId: string,
    method: string,
    args: readonly unknown[],
    stateJson?: string,
  ): Promise<unknown> {
    const entry = await this.backplane.directory.find(connectionId);
    if (entry?.hubs.includes(this.hub) !== true) {
      throw SignalRError.of('SIGNALR_CONNECTION_UNKNOWN', connectionId);
    }
    if (entry.protocol === 'classic') {
      await this.send([connectionTopic(connectionId)], method, args, undefined, stateJson);
      return undefined;
    }
    return this.resultOf(new Question(this.hub, connectionId, method, args, stateJson, this.resultTimeout));
  }

  /** Calls a method of all clients that the topics reach, each once, and gathers what they answer. */
  async askAll(
    topics: readonly Topic[],
    method: string,
    args: readonly unknown[],
    excluded: readonly string[] = [],
    { deadline = this.resultTimeout }: GatherOptions = {},
  ): Promise<readonly ClientResult<unknown>[]> {
    const recipients = await this.recipients(topics, excluded);
    const results = await Promise.allSettled(
      recipients.map((entry) => this.resultFrom(entry, method, args, deadline)),
    );
    return results.map(
      (result, index) =>
        ({ connectionId: recipients[index]?.connectionId, ...result }) as ClientResult<unknown>,
    );
  }

  /** A classic client gets the call like any other, although it cannot answer. */
  private async resultFrom(
    { connectionId, protocol }: ConnectionEntry,
    method: string,
    args: readonly unknown[],
    timeout: number,
  ): Promise<unknown> {
    if (protocol === 'classic') {
      await this.send([connectionTopic(connectionId)], method, args);
      throw SignalRError.of('SIGNALR_CLIENT_MUTE', connectionId);
    }
    return this.resultOf(new Question(this.hub, connectionId, method, args, undefined, timeout));
  }

  private async recipients(
    topics: readonly Topic[],
    excluded: readonly string[],
  ): Promise<ConnectionEntry[]> {
    const { directory } = this.backplane;
    const found = new Map<string, ConnectionEntry>();
    for (const topic of topics) {
      const connectionId = connectionOf(topic);
      const entries =
        connectionId === undefined
          ? await directory.list(queryOf(topic, this.hub))
          : [await directory.find(connectionId)];
      for (const entry of entries) {
        if (entry?.hubs.includes(this.hub) === true && !excluded.includes(entry.connectionId)) {
          found.set(entry.connectionId, entry);
        }
      }
    }
    return [...found.values()];
  }

  private async resultOf(question: Question): Promise<unknown> {
    await this.pass(question);
    const { answer, connectionId, method } = question;
    return answer === undefined ? undefined : resultOf(answer, connectionId, method);
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

  /** Hands a call to the outgoing pipeline, or straight on. */
  private pass(call: HubOutgoingContext): void | Promise<void> {
    this.sendCall ??= this.build();
    return this.sendCall(call);
  }

  private build(): SendHubCall {
    const deliver: SendHubCall = (call) =>
      call instanceof Question ? this.putQuestion(call) : this.publishCall(call);
    return this.outgoing()?.(deliver) ?? deliver;
  }

  private publishCall(call: HubOutgoingContext): void | Promise<void> {
    const { topics, method, excluded } = call;
    if (this.logger.isVerbose) {
      this.logger.verbose(`${this.hub} calls ${method} of ${topics.join(', ')}`);
    }
    return this.publish(topics, this.message(call, excluded));
  }

  private async putQuestion(question: Question): Promise<void> {
    const { connectionId, timeout } = question;
    const command: NodeCommand = { type: 'ask', connectionId, call: this.message(question), timeout };
    const acknowledgement = await this.backplane
      .command(command, timeout + ACKNOWLEDGEMENT_GRACE)
      .catch(goneIfUnacknowledged);
    question.answer = acknowledgement === true ? GONE : acknowledgement;
  }

  private message(
    { method, args, stateJson }: HubOutgoingContext,
    excluded: readonly string[] = NOBODY,
  ): ClientCall {
    return {
      type: 'call',
      hub: this.hub,
      method: requireMethod(method),
      argumentsJson: toJson(args, 'An argument of', this.hub, method),
      ...(this.encoders.length > 0 && { encodedArguments: this.encode(args, method) }),
      ...(stateJson !== undefined && { stateJson }),
      ...(excluded.length > 0 && { excluded }),
    };
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

/** Nobody owns the connection any more; what else goes wrong is the backplane's affair. */
function goneIfUnacknowledged(error: unknown): ClientAnswer {
  if (isUnacknowledged(error)) {
    return GONE;
  }
  throw error;
}

function requireMethod(method: unknown): string {
  if (typeof method !== 'string' || method === '') {
    throw SignalRError.of('SIGNALR_ARGUMENT_EMPTY');
  }
  return method;
}
