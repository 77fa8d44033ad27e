import { toJson } from '../../common/json.js';
import {
  type ClientCall,
  type Envelope,
  type EnvelopeCodec,
  newCodecSlot,
} from '../../messaging/envelope.js';
import { Frame } from '../../transports/frame.js';
import { CoreMessage } from './core-message.js';
import type { HubProtocol, MessageReader } from './hub-protocol.js';
import { parseMessage } from './json-messages.js';
import { type ClientMessage, MessageType } from './messages.js';
import { RECORD_SEPARATOR, RecordReader } from './record-reader.js';

/** Characters that are put into one frame at most, unless a single message is larger. */
const FRAME_CHARACTERS = 65_536;

/** Messages as JSON texts, each ended by a separator (signalr-core §4). */
class JsonHubProtocol implements HubProtocol {
  readonly name = 'json';
  readonly transferFormat = 'Text';
  readonly ping = control({ type: MessageType.Ping });
  readonly calls: EnvelopeCodec<CoreMessage> = {
    slot: newCodecSlot(),
    encode: ({ message }: Envelope) => this.invocation(message as ClientCall),
  };

  createReader(): MessageReader {
    return new RecordReader();
  }

  parse(message: Buffer): ClientMessage | undefined {
    return parseMessage(message.toString());
  }

  invocation({ method, argumentsJson }: ClientCall, invocationId?: string): CoreMessage {
    const id = invocationId === undefined ? '' : `"invocationId":${quote(invocationId)},`;
    const json = `{"type":1,${id}"target":${JSON.stringify(method)},"arguments":${argumentsJson}}`;
    return new CoreMessage(json + RECORD_SEPARATOR, invocationId === undefined ? 'call' : 'answer');
  }

  item(invocationId: string, value: unknown, ...what: string[]): CoreMessage {
    return answer(`{"type":2,"invocationId":${quote(invocationId)},"item":${toJson(value, ...what)}}`);
  }

  result(invocationId: string, value: unknown, ...what: string[]): CoreMessage {
    return answer(`{"type":3,"invocationId":${quote(invocationId)},"result":${toJson(value, ...what)}}`);
  }

  end(invocationId: string): CoreMessage {
    return answer(`{"type":3,"invocationId":${quote(invocationId)}}`);
  }

  failure(invocationId: string, error: string): CoreMessage {
    return answer(`{"type":3,"invocationId":${quote(invocationId)},"error":${JSON.stringify(error)}}`);
  }

  close(error: string | undefined, allowReconnect: boolean): CoreMessage {
    return control({ type: MessageType.Close, error, ...(allowReconnect && { allowReconnect }) });
  }

  ack(sequenceId: number): CoreMessage {
    return control({ type: MessageType.Ack, sequenceId });
  }

  sequence(sequenceId: number): CoreMessage {
    return control({ type: MessageType.Sequence, sequenceId });
  }

  frames(messages: readonly CoreMessage[]): readonly Frame[] {
    const only = messages[0];
    if (messages.length === 1 && only !== undefined) {
      return [only.frame];
    }
    const frames: Frame[] = [];
    let text = '';
    for (const message of messages) {
      const data = message.data as string;
      if (text !== '' && text.length + data.length > FRAME_CHARACTERS) {
        frames.push(new Frame(text));
        text = '';
      }
      text += data;
    }
    frames.push(new Frame(text));
    return frames;
  }
}

/** The protocol that every client speaks. */
export const jsonProtocol: HubProtocol = new JsonHubProtocol();

function answer(json: string): CoreMessage {
  return new CoreMessage(json + RECORD_SEPARATOR, 'answer');
}

function control(message: object): CoreMessage {
  return new CoreMessage(JSON.stringify(message) + RECORD_SEPARATOR, 'control');
}

const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/** Clients count their calls, so their ids are digits more often than not, and need no escaping. */
function quote(id: string): string {
  for (let index = 0; index < id.length; index++) {
    const character = id.charCodeAt(index);
    if (character < DIGIT_0 || character > DIGIT_9) {
      return JSON.stringify(id);
    }
  }
  return `"${id}"`;
}
