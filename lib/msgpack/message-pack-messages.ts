import { type ClientMessage, MessageType, ProtocolError } from '../protocols/core/messages.js';
import { readTraceContext } from '../protocols/core/trace-context.js';
import { decodeValue } from './values.js';

/** How a completion has ended (signalr-core §5.2). */
export const ResultKind = { Error: 1, Void: 2, Value: 3 } as const;

type Fields = readonly unknown[];

/** Where the fields of a message stand. Elements behind those that are known are ignored. */
const HEADERS = 1;
const INVOCATION_ID = 2;
const TARGET = 3;
const ARGUMENTS = 4;
const STREAM_IDS = 5;
const ITEM = 3;
const RESULT_KIND = 3;
const RESULT = 4;

/** Reads one message. @returns undefined for types that this server does not know @throws ProtocolError */
export function parseMessage(bytes: Uint8Array): ClientMessage | undefined {
  const fields = decodeValue(bytes);
  if (!Array.isArray(fields)) {
    throw failed('array length', 'message');
  }
  const type = integer(fields, 0, 'messageType', 'Int32');
  switch (type) {
    case MessageType.Invocation:
    case MessageType.StreamInvocation:
      return parseInvocation(fields, type);
    case MessageType.StreamItem:
      checkHeaders(fields);
      requireFields(fields, ITEM + 1);
      return { type, invocationId: requiredId(fields), item: fields[ITEM] };
    case MessageType.Completion:
      return parseCompletion(fields);
    case MessageType.CancelInvocation:
      checkHeaders(fields);
      return { type, invocationId: requiredId(fields) };
    case MessageType.Ping:
      return { type };
    case MessageType.Close:
      return { type, error: optionalText(fields, 1, 'error') };
    case MessageType.Ack:
    case MessageType.Sequence:
      return { type, sequenceId: integer(fields, 1, 'sequenceId', 'Int64') };
    default:
      return undefined;
  }
}

function parseInvocation(
  fields: Fields,
  type: typeof MessageType.Invocation | typeof MessageType.StreamInvocation,
): ClientMessage {
  const headers = checkHeaders(fields);
  const invocationId =
    type === MessageType.StreamInvocation
      ? requiredId(fields)
      : optionalText(fields, INVOCATION_ID, 'invocationId') || undefined;
  const target = optionalText(fields, TARGET, 'target') ?? '';
  if (target === '') {
    const name = type === MessageType.Invocation ? 'Invocation' : 'StreamInvocation';
    throw new ProtocolError(`Null or empty target for ${name} message.`);
  }
  const args = fields[ARGUMENTS];
  if (!Array.isArray(args)) {
    throw failed('array length', 'arguments');
  }
  return {
    type,
    invocationId,
    target,
    arguments: args as unknown[],
    streamIds: parseStreamIds(fields[STREAM_IDS]),
    traceContext: readTraceContext(headers),
  };
}

const NO_STREAMS: readonly string[] = [];

function parseStreamIds(ids: unknown): readonly string[] {
  if (ids === undefined || ids === null) {
    return NO_STREAMS;
  }
  if (!Array.isArray(ids)) {
    throw failed('array length', 'streamIds');
  }
  if (!ids.every((id) => typeof id === 'string')) {
    throw reading('streamIds', 'String');
  }
  return ids as string[];
}

function parseCompletion(fields: Fields): ClientMessage {
  checkHeaders(fields);
  const invocationId = requiredId(fields);
  const type = MessageType.Completion;
  switch (integer(fields, RESULT_KIND, 'resultKind', 'Int32')) {
    case ResultKind.Error:
      return {
        type,
        invocationId,
        error: text(fields, RESULT, 'error'),
        result: undefined,
        hasResult: false,
      };
    case ResultKind.Void:
      return { type, invocationId, error: undefined, result: undefined, hasResult: false };
    case ResultKind.Value:
      requireFields(fields, RESULT + 1);
      return { type, invocationId, error: undefined, result: fields[RESULT], hasResult: true };
    default:
      throw new ProtocolError('Invalid invocation result kind.');
  }
}

function checkHeaders(fields: Fields): Readonly<Record<string, unknown>> {
  const headers = fields[HEADERS];
  const isMap =
    typeof headers === 'object' && headers !== null && Object.getPrototypeOf(headers) === Object.prototype;
  if (!isMap) {
    throw failed('map length', 'headers');
  }
  for (const value of Object.values(headers)) {
    if (typeof value !== 'string') {
      throw reading('headers', 'String');
    }
  }
  return headers as Record<string, unknown>;
}

function requiredId(fields: Fields): string {
  const id = text(fields, INVOCATION_ID, 'invocationId');
  if (id === '') {
    throw reading('invocationId', 'String');
  }
  return id;
}

function text(fields: Fields, index: number, name: string): string {
  const value = fields[index];
  if (typeof value !== 'string') {
    throw reading(name, 'String');
  }
  return value;
}

function optionalText(fields: Fields, index: number, name: string): string | undefined {
  return fields[index] === null || fields[index] === undefined ? undefined : text(fields, index, name);
}

function integer(fields: Fields, index: number, name: string, type: 'Int32' | 'Int64'): number {
  const value = fields[index];
  if (!Number.isInteger(value)) {
    throw reading(name, type);
  }
  return value as number;
}

function requireFields(fields: Fields, count: number): void {
  if (fields.length < count) {
    throw failed('array length', 'message');
  }
}

const reading = (field: string, type: string): ProtocolError =>
  new ProtocolError(`Reading '${field}' as ${type} failed.`);

const failed = (what: string, field: string): ProtocolError =>
  new ProtocolError(`Reading ${what} for '${field}' failed.`);
