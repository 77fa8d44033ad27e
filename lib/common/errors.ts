/**
 * Every error that this library raises by itself, by code. A code is never reused; `docs/errors.md` explains each.
 */
export const errorMessages = {
  SIGNALR_OPTION_UNKNOWN: (option: string) => `SignalR option '${option}' does not exist.`,
  SIGNALR_OPTION_INVALID: (option: string, rule: string) => `SignalR option '${option}': ${rule}`,
  SIGNALR_MODULE_TWICE: () =>
    'SignalRModule.forRoot() was imported more than once. Import it in the root module only; hub contexts are injectable everywhere.',
  SIGNALR_HUB_NAME_TAKEN: (first: string, second: string, name: string) =>
    `Two Hubs must not share the same name. '${first}' and '${second}' both share the name '${name}'.`,
  SIGNALR_HUB_NAME_INVALID: (name: string) => `The hub name '${name}' is invalid.`,
  SIGNALR_HUB_PATH_TAKEN: (hub: string, path: string, owner: string) =>
    `The path '${path}' of hub '${hub}' is already used by ${owner}.`,
  SIGNALR_HUB_PROVIDED_TWICE: (hub: string, first: string, second: string) =>
    `Hub '${hub}' is a provider of two modules, '${first}' and '${second}'. Provide it in one and import that module.`,
  SIGNALR_HUB_UNKNOWN: (hub: string) => `'${hub}' Hub could not be resolved.`,
  SIGNALR_HUB_NOT_DECORATED: (type: string) => `${type} is not a hub: it has no @Hub() decorator.`,
  SIGNALR_METHODS_AMBIGUOUS: (hub: string, method: string, count: string) =>
    `Hub '${hub}' has several methods '${method}' that take ${count}. Overloads are told apart by their number of parameters only.`,
  SIGNALR_METHOD_RESERVED: (hub: string, method: string) =>
    `Hub '${hub}': '${method}' cannot be a hub method, it is a member of every hub.`,
  SIGNALR_METHOD_OUTSIDE_HUB: (type: string, method: string) =>
    `${type}.${method} has @HubMethod(), but ${type} has no @Hub() decorator, so no client can call it.`,
  SIGNALR_HUB_INSTANCE: () => 'Using a Hub instance not created by the HubPipeline is unsupported.',
  SIGNALR_ARGUMENT_EMPTY: () => 'Argument cannot be null or empty',
  SIGNALR_UNSERIALIZABLE: (what: string, format: 'JSON' | 'MessagePack', reason: string) =>
    `${what} cannot be sent as ${format}: ${reason}`,
  SIGNALR_ACK_TIMEOUT: (connectionId: string) =>
    `The operation was canceled: no server acknowledged it for connection '${connectionId}'.`,
  SIGNALR_PROGRESS_COMPLETED: () =>
    'You cannot report progress on a hub method invocation that has already completed.',
  SIGNALR_CONNECTION_UNKNOWN: (connectionId: string) => `Connection '${connectionId}' does not exist.`,
  SIGNALR_CONNECTION_LOST: (connectionId: string) => `Connection '${connectionId}' disconnected.`,
  SIGNALR_CLIENT_SILENT: (connectionId: string, method: string) =>
    `Connection '${connectionId}' has not answered '${method}' in time.`,
  SIGNALR_CLIENT_MUTE: (connectionId: string) =>
    `Connection '${connectionId}' belongs to a classic client, which cannot answer.`,
  SIGNALR_RESULT_TOO_EARLY: () => 'Client results inside OnConnectedAsync Hub methods are not allowed.',
  SIGNALR_STREAM_LOST: () => 'The underlying connection was closed.',
  SIGNALR_PIPELINE_INVOKED: () => 'Unable to add module. The HubPipeline has already been invoked.',
  SIGNALR_AUTHORIZE_METHOD: () =>
    'Outgoing authorization can only be required for an entire Hub, not a specific method.',
  SIGNALR_CONNECTION_PATH: (decorator: string, type: string, path: string, complaint: string) =>
    `@${decorator}('${path}') of ${type}: ${complaint}`,
  SIGNALR_CONNECTION_TYPE: (type: string, decorator: string, base: string) =>
    `${type} has @${decorator}(), so it must extend ${base}.`,
  SIGNALR_CONNECTION_SCOPED: (type: string) =>
    `${type}: one object serves all clients, so neither it nor anything that it needs or is guarded by can be request-scoped or transient.`,
  SIGNALR_CONNECTION_NOT_DECORATED: (type: string) =>
    `${type} is no persistent connection: it has no @PersistentConnection() decorator.`,
  SIGNALR_CONNECTION_INSTANCE: () => 'The PersistentConnection is not initialized.',
  SIGNALR_BACKPLANE_DOWN: (backplane: string) =>
    `The ${backplane} backplane cannot be reached, and this cannot wait until it can.`,
  SIGNALR_BACKPLANE_QUEUE_FULL: (backplane: string, count: string) =>
    `The message was refused: ${count} messages already wait for the ${backplane} backplane.`,
  SIGNALR_NOT_STARTED: () =>
    'SignalR has not started yet. Call clients after the application has been initialised.',
} as const;

/** True for errors of a backplane that cannot be reached: it logs that itself. */
export function isBackplaneDown(error: unknown): boolean {
  return error instanceof SignalRError && error.code === 'SIGNALR_BACKPLANE_DOWN';
}

/** True if no node has said that it carried out a command: none owns the connection, or its answer is late. */
export function isUnacknowledged(error: unknown): boolean {
  return error instanceof SignalRError && error.code === 'SIGNALR_ACK_TIMEOUT';
}

/** The codes of {@link SignalRError}, listed in `docs/errors.md`. */
export type SignalRErrorCode = keyof typeof errorMessages;

/**
 * An error raised by the library itself (not by hub code).
 *
 * @publicApi
 */
export class SignalRError extends Error {
  override readonly name = 'SignalRError';

  private constructor(
    /** Stable name of the error, explained in `docs/errors.md`. */
    readonly code: SignalRErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Makes the error of a code with the text that belongs to it. */
  static of<C extends SignalRErrorCode>(
    code: C,
    ...details: Parameters<(typeof errorMessages)[C]>
  ): SignalRError {
    const text = errorMessages[code] as (...parts: readonly string[]) => string;
    return new SignalRError(code, text(...details));
  }

  /** The same with the error that led to it as `cause`. */
  static because<C extends SignalRErrorCode>(
    cause: unknown,
    code: C,
    ...details: Parameters<(typeof errorMessages)[C]>
  ): SignalRError {
    const error = SignalRError.of(code, ...details);
    error.cause = cause;
    return error;
  }
}

/** Turns anything thrown into an Error; what was no Error is kept as `cause`. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
