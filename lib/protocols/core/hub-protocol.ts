import type { TransferFormat } from '../../common/core-options.js';
import type { ClientCall, EnvelopeCodec } from '../../messaging/envelope.js';
import type { Frame } from '../../transports/frame.js';
import type { CoreMessage } from './core-message.js';
import type { ClientMessage } from './messages.js';

/** Cuts what a client sends into messages. The boundaries of frames mean nothing (signalr-core §2.2). */
export interface MessageReader {
  /** Bytes that wait to be read. */
  readonly bufferedBytes: number;
  /** Size, with what frames it, of the message that {@link next} gave last, or as far as known of the one that has not ended. */
  readonly messageBytes: number;
  /** Takes in what has arrived, which is the reader's to keep. */
  push(data: Buffer): void;
  /**
   * The next message without what frames it; undefined if there is no complete one.
   *
   * @throws ProtocolError if the client frames its messages wrongly.
   */
  next(): Buffer | undefined;
}

/**
 * How the messages of a hub are written and read: `json` or `messagepack`. A client chooses one by its handshake
 * (signalr-core §3). What one protocol writes may be shared by all its clients.
 *
 * @publicApi
 */
export interface HubProtocol {
  /** The name that clients send in the handshake, in lower case. */
  readonly name: string;
  readonly transferFormat: TransferFormat;
  /** Turns a published call into a message, once for all clients of this protocol. */
  readonly calls: EnvelopeCodec<CoreMessage>;
  readonly ping: CoreMessage;

  /**
   * The arguments of a call in the form that this protocol sends, as text for the backplane; asked for before a call is
   * published. Undefined if the JSON of the call is all that it needs.
   *
   * @throws SignalRError SIGNALR_UNSERIALIZABLE
   */
  encodeArguments?(args: readonly unknown[], ...what: string[]): string;

  /** Makes what cuts the bytes of one connection, after its handshake, into messages. */
  createReader(): MessageReader;

  /**
   * Reads one message.
   *
   * @returns undefined for types that this server does not know: they are skipped.
   * @throws ProtocolError with the text of signalr-core §4.7.
   */
  parse(message: Buffer): ClientMessage | undefined;

  /** A call of a client method. @param invocationId given if the client is to answer it. */
  invocation(call: ClientCall, invocationId?: string): CoreMessage;

  /** One item of a stream. @param what names it in the error. @throws SignalRError SIGNALR_UNSERIALIZABLE */
  item(invocationId: string, value: unknown, ...what: string[]): CoreMessage;

  /** The answer to a call. @param what names it in the error. @throws SignalRError SIGNALR_UNSERIALIZABLE */
  result(invocationId: string, value: unknown, ...what: string[]): CoreMessage;

  /** The end of a stream. */
  end(invocationId: string): CoreMessage;

  /** The answer to a call that failed, or the end of a stream that did. */
  failure(invocationId: string, error: string): CoreMessage;

  /** The last message of a connection. */
  close(error: string | undefined, allowReconnect: boolean): CoreMessage;

  /** Everything up to this number has been received (signalr-core §2.6). */
  ack(sequenceId: number): CoreMessage;

  /** The next counted message has this number (signalr-core §2.6). */
  sequence(sequenceId: number): CoreMessage;

  /** Puts messages into frames: several may share one, none is ever split (signalr-core §2.2). */
  frames(messages: readonly CoreMessage[]): readonly Frame[];
}
