import { Frame } from '../../transports/frame.js';

/** What kind of message it is, which decides what may be done with it. */
type MessageKind =
  /** A call of a client method: may be left out if the policy of the outbox says so. */
  | 'call'
  /** Something that the client waits for. */
  | 'answer'
  /** Talk between the two ends of a connection: never counted by stateful reconnect (signalr-core §2.6). */
  | 'control';

/** A message to a Core client, complete with what separates it from the next one. Several may share a frame. */
export class CoreMessage {
  private ownFrame: Frame | undefined;

  constructor(
    /** Text or bytes, as the transfer format of the hub protocol has it. */
    readonly data: string | Uint8Array,
    private readonly kind: MessageKind,
  ) {}

  get droppable(): boolean {
    return this.kind === 'call';
  }

  /** True for messages that the two ends of a stateful connection count. */
  get isCounted(): boolean {
    return this.kind !== 'control';
  }

  /** The frame of this message alone, built once for all receivers. */
  get frame(): Frame {
    return (this.ownFrame ??= new Frame(this.data));
  }
}
