import type { TraceContext } from '../../invocation/invocation-request.js';

/** The hub messages of a Core client, by the numbers of the wire (signalr-core §4.2). */
export const MessageType = {
  Invocation: 1,
  StreamItem: 2,
  Completion: 3,
  StreamInvocation: 4,
  CancelInvocation: 5,
  Ping: 6,
  Close: 7,
  Ack: 8,
  Sequence: 9,
} as const;

/** A call of the client. */
export interface InvocationMessage {
  readonly type: typeof MessageType.Invocation | typeof MessageType.StreamInvocation;
  /** Undefined if no answer is wanted. */
  readonly invocationId: string | undefined;
  readonly target: string;
  readonly arguments: readonly unknown[];
  /** Ids of the streams that the client sends with the call. */
  readonly streamIds: readonly string[];
  readonly traceContext?: TraceContext | undefined;
}

export interface StreamItemMessage {
  readonly type: typeof MessageType.StreamItem;
  readonly invocationId: string;
  readonly item: unknown;
}

export interface CompletionMessage {
  readonly type: typeof MessageType.Completion;
  readonly invocationId: string;
  readonly error: string | undefined;
  readonly result: unknown;
  readonly hasResult: boolean;
}

export interface CancelInvocationMessage {
  readonly type: typeof MessageType.CancelInvocation;
  readonly invocationId: string;
}

export interface PingMessage {
  readonly type: typeof MessageType.Ping;
}

export interface CloseMessage {
  readonly type: typeof MessageType.Close;
  /** Undefined if the client closes without complaint; an empty text is one. */
  readonly error: string | undefined;
}

export interface SequenceMessage {
  readonly type: typeof MessageType.Ack | typeof MessageType.Sequence;
  readonly sequenceId: number;
}

/** Anything that a client may send after its handshake. */
export type ClientMessage =
  | InvocationMessage
  | StreamItemMessage
  | CompletionMessage
  | CancelInvocationMessage
  | PingMessage
  | CloseMessage
  | SequenceMessage;

/** True for messages that the two ends of a stateful connection count (signalr-core §2.6). */
export function isCounted({ type }: ClientMessage): boolean {
  return type <= MessageType.CancelInvocation;
}

/** An error that shows the client a type name of the original. */
export function namedError(name: string, message: string): ProtocolError {
  const error = new ProtocolError(message);
  Object.defineProperty(error, 'name', { value: name });
  return error;
}

/** A client broke the protocol: its connection is closed, and with detailed errors told why (signalr-core §4.7). */
export class ProtocolError extends Error {
  override readonly name: string = 'InvalidDataException';
}
