import { type ClientMessage, MessageType, ProtocolError } from './messages.js';
import { readTraceContext } from './trace-context.js';

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
    throw new ProtocolError(
      Object.hasOwn(json, 'type')
        ? `Expected 'type' to be of type Number.`
        : `Missing required property 'type'.`,
    );
  }
  checkHeaders(json);
  switch (type) {
    case MessageType.StreamItem:
      return { type, invocationId: requireText(json, 'invocationId'), item: requireAny(json, 'item') };
    case MessageType.Completion:
      return parseCompletion(json);
    case MessageType.CancelInvocation:
      return { type, invocationId: requireText(json, 'invocationId') };
    case MessageType.Ping:
      return { type };
    case MessageType.Close:
      return parseClose(json);
    case MessageType.Ack:
    case MessageType.Sequence:
      return { type, sequenceId: requireNumber(json, 'sequenceId') };
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
  return requireObject(json);
}

/** @throws ProtocolError with the text that a handshake and a message share. */
export function requireObject(json: unknown): JsonObject {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    return json as JsonObject;
  }
  const token = json === null ? 'Null' : Array.isArray(json) ? 'Array' : capitalize(typeof json);
  throw new ProtocolError(`Unexpected JSON Token Type '${token}'. Expected a JSON Object.`);
}

function parseInvocation(
  json: JsonObject,
  type: typeof MessageType.Invocation | typeof MessageType.StreamInvocation,
): ClientMessage {
  checkHeaders(json);
  const invocationId =
    type === MessageType.StreamInvocation
      ? requireText(json, 'invocationId')
      : optionalText(json, 'invocationId') || undefined;
  const target = requireText(json, 'target');
  const args = json.arguments;
  if (!Array.isArray(args)) {
    throw new ProtocolError(
      Object.hasOwn(json, 'arguments')
        ? `Expected 'arguments' to be of type Array.`
        : `Missing required property 'arguments'.`,
    );
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
  const invocationId = requireText(json, 'invocationId');
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
    throw new ProtocolError(`Missing required property '${property}'.`);
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

/** @throws ProtocolError if the property is missing or no number. */
export function requireNumber(json: JsonObject, property: string): number {
  const value = requireAny(json, property);
  if (typeof value !== 'number') {
    throw new ProtocolError(`Expected '${property}' to be of type Number.`);
  }
  return value;
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
