import type { Topic } from './topics.js';

/** A call of a client method, as a selector hands it to the backplane. */
export interface ClientCall {
  readonly type: 'call';
  /** Canonical name of the hub that calls. */
  readonly hub: string;
  /** The client method, spelled as the application wrote it. */
  readonly method: string;
  /** The arguments as a JSON array. They are serialized when the call is made: what the sender changes later does not matter. */
  readonly argumentsJson: string;
  /** The same for hub protocols that do not send JSON, by the name of the protocol, in a text form of their own. */
  readonly encodedArguments?: Readonly<Record<string, string>>;
  /** Changed caller state as a JSON object, for calls to the caller of a classic client (signalr-2 §6.6). */
  readonly stateJson?: string;
  /** Connections that do not get it although they are subscribed to the topic. */
  readonly excluded?: readonly string[];
}

/** What a running hub method says of its progress, for the classic client that called it (signalr-2 §6.4). */
export interface ProgressReport {
  readonly type: 'progress';
  /** What the client calls the invocation. */
  readonly invocationId: string;
  readonly valueJson: string;
  /** Changed caller state as a JSON object. */
  readonly stateJson?: string;
  readonly excluded?: undefined;
}

/** A value for the clients of a persistent connection (signalr-2 §7.11). */
export interface RawMessage {
  readonly type: 'raw';
  readonly valueJson: string;
  readonly excluded?: readonly string[];
}

/** Everything that travels to clients. It holds texts only, so that it may be sent to other processes as JSON. */
export type Message = ClientCall | ProgressReport | RawMessage;

/**
 * So many of the latest messages of a topic stay in the log in the form of each protocol as well: those are the ones that
 * clients come back for who have been away for a moment. Of older ones only the message itself is kept, which is a
 * fraction of it, and is put into the form of a protocol once more should somebody ask for it.
 */
export const ENCODED_MESSAGES = 16;

/**
 * A published message. One object is handed to all receivers of a node, and remembers what it looks like in each
 * protocol, so that it is encoded once per codec and not once per receiver.
 */
export class Envelope {
  private encodings: unknown[] | undefined;

  /** @param place what {@link position} gives. */
  constructor(
    readonly topic: Topic,
    readonly message: Message,
    protected place: string,
  ) {}

  /**
   * Where the message stands in the log of the backplane: what a connection that received it hands back as its
   * cursor. Opaque to everything but the backplane; only letters, digits and `-`, `_`, `:`.
   */
  get position(): string {
    return this.place;
  }

  /** The message in the form of a codec, made on the first use. */
  encodedBy<T>(codec: EnvelopeCodec<T>): T {
    // eslint-disable-next-line unicorn/no-new-array -- one that grows has room for sixteen more, and mostly there is one
    this.encodings ??= new Array<unknown>(codec.slot + 1);
    return (this.encodings[codec.slot] ??= codec.encode(this)) as T;
  }

  /** Keeps nothing but the message. */
  forgetEncodings(): void {
    this.encodings = undefined;
  }
}

/** Turns an envelope into the form that one protocol sends. */
export interface EnvelopeCodec<T> {
  /** Where envelopes remember this codec's form; from {@link newCodecSlot}. */
  readonly slot: number;
  encode(envelope: Envelope): T;
}

let slots = 0;

/** A place of its own for a codec in every envelope. */
export function newCodecSlot(): number {
  return slots++;
}
