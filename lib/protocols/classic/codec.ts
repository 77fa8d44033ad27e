import { type Envelope, type EnvelopeCodec, type Message, newCodecSlot } from '../../messaging/envelope.js';
import { Frame } from '../../transports/frame.js';

/** Anything that waits to be sent to a classic client. */
export type ClassicItem = ClassicMessage | BareItem | EnvelopeRequest;

/** An element of `M`: a call of a client method, a progress report, a value (signalr-2 §6.4, §6.5, §7.11). */
export class ClassicMessage {
  readonly kind = 'message';
  readonly droppable = true;
  private ownFrame: Frame | undefined;

  constructor(
    readonly data: string,
    /** Position in the log: the cursor of the client once it has this message. */
    readonly position: string,
  ) {}

  /** An envelope with this message alone, built once for all receivers that need nothing else said. */
  get frame(): Frame {
    return (this.ownFrame ??= new Frame(persistentResponse({ cursor: this.position, messages: this.data })));
  }
}

/** Something that is sent as it is, outside of envelopes: a hub response over WebSockets, a keep-alive. */
export class BareItem {
  readonly kind = 'bare';
  private ownFrame: Frame | undefined;

  constructor(
    readonly data: string,
    readonly droppable: boolean,
  ) {}

  get frame(): Frame {
    return (this.ownFrame ??= new Frame(this.data));
  }
}

/** Nothing but the wish for an envelope, because its head has something to say. */
export interface EnvelopeRequest {
  readonly kind: 'envelope';
  readonly data: '';
  readonly droppable: false;
}

export const ENVELOPE: EnvelopeRequest = { kind: 'envelope', data: '', droppable: false };

/** Shared by all connections: nothing about it is theirs. */
export const KEEP_ALIVE = new Frame('{}');

/** Encodes messages, once for all classic clients. */
export const classicCodec: EnvelopeCodec<ClassicMessage> = {
  slot: newCodecSlot(),
  encode: ({ message, position }: Envelope) => new ClassicMessage(element(message), position),
};

function element(message: Message): string {
  switch (message.type) {
    case 'call': {
      const { hub, method, argumentsJson, stateJson } = message;
      const state = stateJson === undefined ? '' : `,"S":${stateJson}`;
      return `{"H":${JSON.stringify(hub)},"M":${JSON.stringify(method)},"A":${argumentsJson}${state}}`;
    }
    case 'progress': {
      // The prefix keeps clients before 2.1 from taking it for the answer (signalr-2 §6.4).
      const { invocationId, valueJson, stateJson } = message;
      const state = stateJson === undefined ? '' : `"S":${stateJson},`;
      const id = JSON.stringify(invocationId);
      return `{${state}"I":${JSON.stringify(`P|${invocationId}`)},"P":{"I":${id},"D":${valueJson}}}`;
    }
    case 'raw':
      return message.valueJson;
  }
}

/** The parts of a persistent response: the JSON object that carries messages (signalr-2 §5.1). */
export interface PersistentResponse {
  /** Position of the last message. */
  readonly cursor: string;
  /** True in the first response of a connection. */
  readonly initialized?: boolean;
  /** True if the server is going away. */
  readonly reconnect?: boolean;
  /** New groups token, if the membership has changed. */
  readonly groupsToken?: string | undefined;
  /** What a polling client waits before the next poll, in milliseconds. */
  readonly pollDelay?: number | undefined;
  /** Why the server sends the client away for good, if it does. */
  readonly dismissal?: string | undefined;
  /** Elements of `M`, joined with commas. */
  readonly messages: string;
}

/** Members come in the order of the original; absent ones are left out, never null. */
export function persistentResponse(response: PersistentResponse): string {
  const { cursor, initialized, reconnect, groupsToken, pollDelay, dismissal, messages } = response;
  const init = initialized === true ? ',"S":1' : '';
  const away = reconnect === true ? ',"T":1' : '';
  const groups = groupsToken === undefined ? '' : `,"G":${JSON.stringify(groupsToken)}`;
  const delay = pollDelay === undefined ? '' : `,"L":${pollDelay}`;
  // Clients before 2.1 go when they read D, those from 2.4 on when they read E (signalr-2 §5.1).
  const goodbye = dismissal === undefined ? '' : `,"D":1,"E":${JSON.stringify(dismissal)}`;
  return `{"C":"${CURSOR_PREFIX}${cursor}"${init}${away}${groups}${delay}${goodbye},"M":[${messages}]}`;
}

/** What cursors of a server without scale-out begin with (signalr-2 §5.2). */
const CURSOR_PREFIX = 'd-';

/** The position in a cursor that a client brings back; undefined if it is not one of ours. */
export function readCursor(messageId: string | undefined): string | undefined {
  return messageId?.startsWith(CURSOR_PREFIX) === true ? messageId.slice(CURSOR_PREFIX.length) : undefined;
}
