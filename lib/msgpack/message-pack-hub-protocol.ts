import { type ClientCall, type Envelope, type EnvelopeCodec, newCodecSlot } from '../messaging/envelope.js';
import { CoreMessage } from '../protocols/core/core-message.js';
import type { HubProtocol, MessageReader } from '../protocols/core/hub-protocol.js';
import { type ClientMessage, MessageType } from '../protocols/core/messages.js';
import { Frame } from '../transports/frame.js';
import { LengthPrefixReader, lengthPrefix } from './length-prefix-reader.js';
import { parseMessage, ResultKind } from './message-pack-messages.js';
import { encodeShared, encodeValue } from './values.js';

/** Bytes that are put into one frame at most, unless a single message is larger. */
const FRAME_BYTES = 65_536;

const NO_HEADERS = {};
const NO_STREAMS = 0x90;
/** The beginning of an invocation: six elements, the type, no headers. */
const INVOCATION = [0x96, MessageType.Invocation, 0x80];

/**
 * The binary hub protocol of ASP.NET Core SignalR, beside JSON and on the same hubs:
 * `SignalRModule.forRoot({ hubProtocols: [new MessagePackHubProtocol()] })`. Clients choose it by their handshake, over
 * WebSockets and long polling. Bytes arrive as `Uint8Array` and dates as `Date`, in both directions; property names travel as
 * written (signalr-core §5).
 *
 * Each call of a client method is encoded in JSON and in MessagePack once it is published, whoever receives it.
 *
 * @publicApi
 */
export class MessagePackHubProtocol implements HubProtocol {
  readonly name = 'messagepack';
  readonly transferFormat = 'Binary';
  readonly ping = message([MessageType.Ping], 'control');
  readonly calls: EnvelopeCodec<CoreMessage> = {
    slot: newCodecSlot(),
    encode: ({ message: call }: Envelope) => this.invocation(call as ClientCall),
  };

  encodeArguments(args: readonly unknown[], ...what: string[]): string {
    return Buffer.from(encodeValue(args, ...what)).toString('base64');
  }

  createReader(): MessageReader {
    return new LengthPrefixReader();
  }

  parse(bytes: Buffer): ClientMessage | undefined {
    return parseMessage(bytes);
  }

  /** Who has published the call may know nothing of this protocol; then there is its JSON. */
  invocation({ method, argumentsJson, encodedArguments }: ClientCall, invocationId?: string): CoreMessage {
    const encoded = encodedArguments?.[this.name];
    const args =
      encoded === undefined ? encodeValue(JSON.parse(argumentsJson)) : Buffer.from(encoded, 'base64');
    const body = Buffer.concat([
      Buffer.from(INVOCATION),
      encodeValue(invocationId ?? null),
      encodeValue(method),
      args,
      Buffer.from([NO_STREAMS]),
    ]);
    return new CoreMessage(prefixed(body), invocationId === undefined ? 'call' : 'answer');
  }

  item(invocationId: string, value: unknown, ...what: string[]): CoreMessage {
    return message([MessageType.StreamItem, NO_HEADERS, invocationId, value], 'answer', what);
  }

  result(invocationId: string, value: unknown, ...what: string[]): CoreMessage {
    return message(
      [MessageType.Completion, NO_HEADERS, invocationId, ResultKind.Value, value],
      'answer',
      what,
    );
  }

  end(invocationId: string): CoreMessage {
    return message([MessageType.Completion, NO_HEADERS, invocationId, ResultKind.Void], 'answer');
  }

  failure(invocationId: string, error: string): CoreMessage {
    return message([MessageType.Completion, NO_HEADERS, invocationId, ResultKind.Error, error], 'answer');
  }

  close(error: string | undefined, allowReconnect: boolean): CoreMessage {
    return message([MessageType.Close, error ?? null, allowReconnect], 'control');
  }

  ack(sequenceId: number): CoreMessage {
    return message([MessageType.Ack, sequenceId], 'control');
  }

  sequence(sequenceId: number): CoreMessage {
    return message([MessageType.Sequence, sequenceId], 'control');
  }

  frames(messages: readonly CoreMessage[]): readonly Frame[] {
    const only = messages[0];
    if (messages.length === 1 && only !== undefined) {
      return [only.frame];
    }
    const frames: Frame[] = [];
    let parts: Uint8Array[] = [];
    let bytes = 0;
    for (const { data } of messages) {
      if (bytes > 0 && bytes + data.length > FRAME_BYTES) {
        frames.push(new Frame(Buffer.concat(parts)));
        parts = [];
        bytes = 0;
      }
      parts.push(data as Uint8Array);
      bytes += data.length;
    }
    frames.push(new Frame(Buffer.concat(parts)));
    return frames;
  }
}

function message(
  fields: readonly unknown[],
  kind: ConstructorParameters<typeof CoreMessage>[1],
  what: readonly string[] = [],
): CoreMessage {
  return new CoreMessage(prefixed(encodeShared(fields, ...what)), kind);
}

function prefixed(body: Uint8Array): Buffer {
  const prefix = lengthPrefix(body.byteLength);
  const framed = Buffer.allocUnsafe(prefix.length + body.byteLength);
  framed.set(prefix);
  framed.set(body, prefix.length);
  return framed;
}
