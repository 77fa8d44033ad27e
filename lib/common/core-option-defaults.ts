import type { CoreHubOptions, HttpConnectionOptions, MultiplexOptions } from './core-options.js';
import { SignalRError } from './errors.js';
import {
  atLeast,
  boolean,
  listOf,
  listOfText,
  mergeOptions,
  oneOf,
  or,
  path,
  type OptionRule,
  type OptionRules,
  wholeNumber,
} from './option-rules.js';

/** In the order in which negotiation lists them, whatever order the option has (signalr-core §1.3). */
export const CORE_TRANSPORTS = ['WebSockets', 'ServerSentEvents', 'LongPolling'] as const;

const coreDefaults: CoreHubOptions = {
  handshakeTimeout: 15_000,
  keepAliveInterval: 15_000,
  clientTimeoutInterval: 30_000,
  maximumReceiveMessageSize: 32_768,
  enableDetailedErrors: false,
  maximumParallelInvocationsPerClient: 1,
  maximumParallelStreamsPerClient: 100,
  streamBufferCapacity: 10,
  transports: CORE_TRANSPORTS,
  supportedProtocols: null,
  minimumProtocolVersion: 0,
  applicationMaxBufferSize: 65_536,
  closeOnAuthenticationExpiration: false,
  enableAuthenticationRefresh: false,
  allowStatefulReconnects: false,
  statefulReconnectBufferSize: 100_000,
  transportSendTimeout: 10_000,
  closeTimeout: 5_000,
  pollTimeout: 90_000,
  disconnectTimeout: 15_000,
};

/** Rules of what hubs and connection handlers have in common. */
export const httpConnectionRules: OptionRules<HttpConnectionOptions> = {
  transports: listOf(...CORE_TRANSPORTS),
  minimumProtocolVersion: oneOf(0, 1),
  applicationMaxBufferSize: wholeNumber(0),
  closeOnAuthenticationExpiration: boolean,
  enableAuthenticationRefresh: boolean,
  transportSendTimeout: atLeast(1),
  closeTimeout: atLeast(1),
  pollTimeout: atLeast(1),
  disconnectTimeout: atLeast(1),
};

const supportedProtocols: OptionRule = (value) =>
  listOfText(value) ?? ((value as string[]).length === 0 ? 'There are no supported protocols' : undefined);

const coreRules: OptionRules<CoreHubOptions> = {
  ...httpConnectionRules,
  handshakeTimeout: atLeast(1),
  keepAliveInterval: atLeast(1),
  clientTimeoutInterval: atLeast(1),
  maximumReceiveMessageSize: or(null, wholeNumber(1)),
  enableDetailedErrors: boolean,
  maximumParallelInvocationsPerClient: wholeNumber(1),
  maximumParallelStreamsPerClient: wholeNumber(1),
  streamBufferCapacity: wholeNumber(1),
  supportedProtocols: or(null, supportedProtocols),
  allowStatefulReconnects: boolean,
  statefulReconnectBufferSize: wholeNumber(1),
};

/** Checks the options of Core clients for the whole application and completes them. */
export function resolveCore(given: Partial<CoreHubOptions> | undefined): CoreHubOptions {
  return mergeOptions(coreRules, coreDefaults, given, 'core.');
}

/** Checks what `@Hub({ … })` says of Core clients and puts it over the options of the application. */
export function resolveCoreOptions(
  inherited: CoreHubOptions,
  given: Partial<CoreHubOptions>,
  hub: string,
): CoreHubOptions {
  return mergeOptions(coreRules, inherited, given, `@Hub('${hub}').`);
}

const hubList: OptionRule = (value) =>
  Array.isArray(value) && value.every((hub) => typeof hub === 'function' || typeof hub === 'string')
    ? undefined
    : 'must be a list of hub classes or names.';

const multiplexRules: OptionRules<MultiplexOptions> = { ...coreRules, path, hubs: or(null, hubList) };

/**
 * Checks what is said of the url that several hubs share, and puts it over the options of Core clients.
 *
 * @param core false if Core clients are refused.
 */
export function resolveMultiplex(
  core: CoreHubOptions | false,
  given: Partial<MultiplexOptions>,
): MultiplexOptions {
  if (core === false) {
    throw SignalRError.of('SIGNALR_OPTION_INVALID', 'multiplex', 'needs Core clients, which are refused.');
  }
  const merged = mergeOptions(multiplexRules, { ...core, path: '', hubs: null }, given, 'multiplex.');
  const complaint = path(merged.path);
  if (complaint !== undefined) {
    throw SignalRError.of('SIGNALR_OPTION_INVALID', 'multiplex.path', complaint);
  }
  return merged;
}
