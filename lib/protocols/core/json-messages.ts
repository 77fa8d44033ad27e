import { isDeeperThan } from '../depth.js';
import { type ClientMessage, MessageType, namedError, ProtocolError } from './messages.js';
import { readTraceContext } from './trace-context.js';

/** Objects and arrays within each other, the message itself included (signalr-core §4.5). */
const DEPTH = 64;

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads one message.
 *
 * @returns undefined for types that this server does not know: they are skipped.
 * @throws ProtocolError with the text of signalr-core §4.7.
 */
export function parseMessage(text: string): ClientMessage | undefined {
  const json = parseObject(text);
  const type = json.type;
  if (type === MessageType.Invocation || type === MessageType.StreamInvocation) {
    return parseInvocation(json, type);
  }
  if (typeof type !== 'number') {
    throw Object.hasOwn(json, 'type')
      ? new ProtocolError(`Expected 'type' to be of type Number.`)
      : missing('type');
  }
  checkInteger(type, 'Int32');
  checkHeaders(json);
  switch (type) {
    case MessageType.StreamItem:
      return { type, invocationId: requireId(json), item: requireAny(json, 'item') };
    case MessageType.Completion:
      return parseCompletion(json);
    case MessageType.CancelInvocation:
      return { type, invocationId: requireId(json) };
    case MessageType.Ping:
      return { type };
    case MessageType.Close:
      return parseClose(json);
    case MessageType.Ack:
    case MessageType.Sequence:
      return { type, sequenceId: requireInteger(json, 'sequenceId', 'Int64') };
    default:
      return undefined;
  }
}

function parseObject(text: string): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ProtocolError('Error reading JSON.', { cause: error });
  }
  // A text that is not even long enough cannot be that deep.
  if (text.length > 2 * DEPTH && isDeeperThan(json, DEPTH)) {
    throw new ProtocolError('Error reading JSON.');
  }
  return requireObject(json);
}

/** @throws ProtocolError with the text that a handshake and a message share. */
export function requireObject(json: unknown): JsonObject {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    return json as JsonObject;
  }
  throw new ProtocolError(`Unexpected JSON Token Type '${tokenOf(json)}'. Expected a JSON Object.`);
}

/** What the original calls a value that is no object. */
function tokenOf(json: unknown): string {
  if (Array.isArray(json)) {
    return 'Array';
  }
  return capitalize(json === null || typeof json === 'boolean' ? String(json) : typeof json);
}

function parseInvocation(
  json: JsonObject,
  type: typeof MessageType.Invocation | typeof MessageType.StreamInvocation,
): ClientMessage {
  checkHeaders(json);
  const invocationId = type === MessageType.StreamInvocation ? requireId(json) : optionalId(json);
  // Looked at by name before anything is called: this is the way of every call.
  const target = typeof json.target === 'string' ? json.target : requireText(json, 'target');
  const args = json.arguments;
  if (!Array.isArray(args)) {
    throw Object.hasOwn(json, 'arguments')
      ? new ProtocolError(`Expected 'arguments' to be of type Array.`)
      : missing('arguments');
  }
  return {
    type,
    invocationId,
    target,
    arguments: args as unknown[],
    streamIds: parseStreamIds(json),
    traceContext: json.headers === undefined ? undefined : readTraceContext(json.headers as JsonObject),
  };
}

const NO_STREAMS: readonly string[] = [];

function parseStreamIds(json: JsonObject): readonly string[] {
  const ids = json.streamIds;
  if (ids === undefined) {
    return NO_STREAMS;
  }
  if (!Array.isArray(ids)) {
    throw new ProtocolError(`Expected 'streamIds' to be of type Array.`);
  }
  for (const id of ids as unknown[]) {
    if (id === null) {
      throw new ProtocolError(`Null value for 'streamIds' is not valid.`);
    }
    if (typeof id !== 'string') {
      throw new ProtocolError(`Expected 'streamIds' to be of type String.`);
    }
  }
  return ids as string[];
}

function parseCompletion(json: JsonObject): ClientMessage {
  const invocationId = requireId(json);
  const error = optionalText(json, 'error');
  const hasResult = Object.hasOwn(json, 'result');
  if (error !== undefined && hasResult) {
    throw new ProtocolError(`The 'error' and 'result' properties are mutually exclusive.`);
  }
  return { type: MessageType.Completion, invocationId, error, result: json.result, hasResult };
}

function parseClose(json: JsonObject): ClientMessage {
  if (json.allowReconnect !== undefined && typeof json.allowReconnect !== 'boolean') {
    throw new ProtocolError(`Expected 'allowReconnect' to be true or false.`);
  }
  return { type: MessageType.Close, error: optionalText(json, 'error') };
}

function checkHeaders(json: JsonObject): void {
  const { headers } = json;
  if (headers === undefined) {
    return;
  }
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw new ProtocolError(`Expected 'headers' to be of type StartObject.`);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') {
      throw new ProtocolError(`Expected header '${name}' to be of type String.`);
    }
  }
}

function requireAny(json: JsonObject, property: string): unknown {
  if (!Object.hasOwn(json, property)) {
    throw missing(property);
  }
  return json[property];
}

/** @throws ProtocolError if the property is missing or no text. */
export function requireText(json: JsonObject, property: string): string {
  const value = requireAny(json, property);
  if (typeof value !== 'string') {
    throw new ProtocolError(`Expected '${property}' to be of type String.`);
  }
  return value;
}

function optionalText(json: JsonObject, property: string): string | undefined {
  return Object.hasOwn(json, property) ? requireText(json, property) : undefined;
}

/** An empty id is none: what is asked with it could not be told from what is not to be answered. */
function requireId(json: JsonObject): string {
  const id = requireText(json, 'invocationId');
  if (id === '') {
    throw missing('invocationId');
  }
  return id;
}

function optionalId(json: JsonObject): string | undefined {
  const { invocationId } = json;
  return (typeof invocationId === 'string' ? invocationId : optionalText(json, 'invocationId')) || undefined;
}

type IntegerType = 'Int32' | 'Int64';

const LIMIT: Readonly<Record<IntegerType, number>> = { Int32: 2 ** 31, Int64: 2 ** 63 };

/** @throws ProtocolError if the property is missing, null, or no number of that type. */
export function requireInteger(json: JsonObject, property: string, type: IntegerType): number {
  const value = json[property] ?? undefined;
  if (value === undefined) {
    throw missing(property);
  }
  if (typeof value !== 'number') {
    throw new ProtocolError(`Expected '${property}' to be of type Number.`);
  }
  checkInteger(value, type);
  return value;
}

function checkInteger(value: number, type: IntegerType): void {
  if (!Number.isInteger(value) || value < -LIMIT[type] || value >= LIMIT[type]) {
    throw namedError(
      'FormatException',
      `Either the JSON value is not in a supported format, or is out of bounds for an ${type}.`,
    );
  }
}

function missing(property: string): ProtocolError {
  return new ProtocolError(`Missing required property '${property}'.`);
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
