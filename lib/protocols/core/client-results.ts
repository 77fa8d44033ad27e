import type { CancelTimer, Clock } from '../../common/clock.js';
import type { ClientCall } from '../../messaging/envelope.js';
import type { ClientAnswer } from '../../messaging/node-command.js';
import type { CoreMessage } from './core-message.js';
import type { HubProtocol } from './hub-protocol.js';
import { type CompletionMessage, namedError } from './messages.js';

/** A client that is asked. */
export interface AskedClient {
  readonly id: string;
  readonly codec: HubProtocol;
  send(message: CoreMessage): void;
}

interface Question {
  readonly client: AskedClient;
  readonly resolve: (answer: ClientAnswer) => void;
  readonly cancelTimer: CancelTimer;
}

/**
 * What the clients of this process were asked and have not answered (signalr-core §4.12). The ids count for all of them, so
 * that an answer to somebody else's question is found out.
 */
export class ClientResults {
  private readonly questions = new Map<string, Question>();
  private readonly asked = new Map<AskedClient, Set<string>>();
  private last = 0;

  constructor(private readonly clock: Clock) {}

  ask(client: AskedClient, call: ClientCall, timeout: number): Promise<ClientAnswer> {
    // The letter keeps it apart from the ids of streams, which clients count.
    const id = `s${++this.last}`;
    return new Promise((resolve) => {
      const cancelTimer = this.clock.after(timeout, () => this.settle(id, { type: 'silent' }));
      this.questions.set(id, { client, resolve, cancelTimer });
      const ids = this.asked.get(client);
      if (ids === undefined) {
        this.asked.set(client, new Set([id]));
      } else {
        ids.add(id);
      }
      client.send(client.codec.invocation(call, id));
    });
  }

  /** Takes an answer; one to no question is ignored. @throws Error if somebody else was asked */
  answer(client: AskedClient, { invocationId, error, hasResult, result }: CompletionMessage): void {
    const question = this.questions.get(invocationId);
    if (question === undefined) {
      return;
    }
    if (question.client !== client) {
      throw namedError(
        'InvalidOperationException',
        `Connection ID '${client.id}' is not valid for invocation ID '${invocationId}'.`,
      );
    }
    this.settle(
      invocationId,
      error !== undefined
        ? { type: 'error', error }
        : hasResult
          ? { type: 'result', result }
          : { type: 'empty' },
    );
  }

  /** A client has gone. */
  gone(client: AskedClient): void {
    for (const id of this.asked.get(client) ?? []) {
      this.settle(id, { type: 'gone' });
    }
  }

  private settle(id: string, answer: ClientAnswer): void {
    const question = this.questions.get(id);
    if (question === undefined) {
      return;
    }
    this.questions.delete(id);
    const ids = this.asked.get(question.client);
    ids?.delete(id);
    if (ids?.size === 0) {
      this.asked.delete(question.client);
    }
    question.cancelTimer();
    question.resolve(answer);
  }
}
