import type { ClientResults } from './client-results.js';
import type { InvocationClient, Invocations } from './invocations.js';
import type { KeepAlive } from './keep-alive.js';
import type { MessageBuffer } from './message-buffer.js';
import { type ClientMessage, type CompletionMessage, isCounted, MessageType } from './messages.js';

/** The client whose messages are handled. */
export interface HandledClient extends InvocationClient {
  /** What makes the connection survive its socket; undefined if it does not (signalr-core §2.6). */
  readonly buffer: MessageBuffer | undefined;
  /** The client does not want to know the outcome of a call any more. */
  cancelCall(invocationId: string): void;
  /** The client says goodbye. @param error what it complains of */
  closedByClient(error: string | undefined): void;
}

/** Handles what a client says after its handshake, one message after another (signalr-core §6.1). */
export class MessageHandler {
  /** A message that has to wait; nothing behind it is read. */
  private stalled: ClientMessage | undefined;

  constructor(
    private readonly client: HandledClient,
    private readonly invocations: Invocations,
    private readonly results: ClientResults,
    private readonly keepAlive: KeepAlive,
  ) {}

  /** False if the message has to wait. One that has been handled on another socket is none. @throws ProtocolError */
  take(message: ClientMessage | undefined): boolean {
    const isRepeated = message !== undefined && isCounted(message) && this.client.buffer?.receive() === false;
    return isRepeated || this.handleOrStall(message);
  }

  /** Tries again to handle the message that had to wait. */
  retry(): boolean {
    return this.handleOrStall(this.stalled);
  }

  private handleOrStall(message: ClientMessage | undefined): boolean {
    const isDone = this.handle(message);
    this.stalled = isDone ? undefined : message;
    return isDone;
  }

  private handle(message: ClientMessage | undefined): boolean {
    this.keepAlive.heard();
    switch (message?.type) {
      case MessageType.Invocation:
      case MessageType.StreamInvocation:
        return this.invocations.invoke(message);
      case MessageType.StreamItem:
        return this.invocations.item(message);
      case MessageType.Completion:
        this.completed(message);
        return true;
      case MessageType.CancelInvocation:
        this.client.cancelCall(message.invocationId);
        this.invocations.cancel(message.invocationId);
        return true;
      case MessageType.Ping:
        this.keepAlive.pinged();
        return true;
      case MessageType.Close:
        this.client.closedByClient(message.error);
        return true;
      case MessageType.Ack:
        this.acknowledged(message.sequenceId);
        return true;
      case MessageType.Sequence:
        this.client.buffer?.resume(message.sequenceId);
        return true;
      default:
        // Types that do not exist yet are skipped.
        return true;
    }
  }

  /** Streams of the client come first, then what it was asked (signalr-core §4.12). */
  private completed(message: CompletionMessage): void {
    if (!this.invocations.endUpload(message)) {
      this.results.answer(this.client, message);
    }
  }

  /** Ignored without stateful reconnect (signalr-core §2.6). */
  private acknowledged(sequenceId: number): void {
    const { buffer } = this.client;
    const wasFull = buffer?.isFull === true;
    buffer?.acknowledge(sequenceId);
    if (wasFull) {
      this.client.onWritable();
    }
  }
}
