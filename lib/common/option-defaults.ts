import { randomBytes } from 'node:crypto';

import { systemClock } from './clock.js';
import { SignalRError } from './errors.js';
import {
  atLeast,
  boolean,
  either,
  func,
  listOf,
  listOfText,
  mergeOptions,
  oneOf,
  or,
  type OptionRules,
  path,
  text,
  wholeNumber,
} from './option-rules.js';
import type { ClassicOptions, CoreHubOptions, OutboxOptions, ServerOptions } from './options.js';

/** In the order in which negotiation lists them, whatever order the option has (signalr-core §1.3). */
export const CORE_TRANSPORTS = ['WebSockets', 'ServerSentEvents', 'LongPolling'] as const;

const coreDefaults: CoreHubOptions = {
  handshakeTimeout: 15_000,
  keepAliveInterval: 15_000,
  clientTimeoutInterval: 30_000,
  maximumReceiveMessageSize: 32_768,
  enableDetailedErrors: false,
  maximumParallelInvocationsPerClient: 1,
  transports: CORE_TRANSPORTS,
  minimumProtocolVersion: 0,
  applicationMaxBufferSize: 65_536,
  transportSendTimeout: 10_000,
  closeTimeout: 5_000,
  pollTimeout: 90_000,
  disconnectTimeout: 15_000,
};

const coreRules: OptionRules<CoreHubOptions> = {
  handshakeTimeout: atLeast(1),
  keepAliveInterval: atLeast(1),
  clientTimeoutInterval: atLeast(1),
  maximumReceiveMessageSize: or(null, wholeNumber(1)),
  enableDetailedErrors: boolean,
  maximumParallelInvocationsPerClient: wholeNumber(1),
  transports: listOf(...CORE_TRANSPORTS),
  minimumProtocolVersion: oneOf(0, 1),
  applicationMaxBufferSize: wholeNumber(0),
  transportSendTimeout: atLeast(1),
  closeTimeout: atLeast(1),
  pollTimeout: atLeast(1),
  disconnectTimeout: atLeast(1),
};

const CLASSIC_TRANSPORTS = ['webSockets', 'serverSentEvents', 'foreverFrame', 'longPolling'] as const;

const classicDefaults: ClassicOptions = {
  disconnectTimeout: 30_000,
  keepAlive: 10_000,
  connectionTimeout: 110_000,
  transportConnectTimeout: 5_000,
  longPollDelay: 0,
  maxIncomingWebSocketMessageSize: 65_536,
  maxRequestBodySize: 1_048_576,
  maximumParallelInvocationsPerClient: 1_000,
  enableDetailedErrors: false,
  enableJSONP: false,
  enableJavaScriptProxies: true,
  transports: CLASSIC_TRANSPORTS,
};

const MINIMUM_DISCONNECT_TIMEOUT = 6_000;
const MINIMUM_KEEP_ALIVE = 2_000;
/** The longest keep-alive, as part of the disconnect timeout. */
const KEEP_ALIVE_SHARE = 3;

const classicRules: OptionRules<ClassicOptions> = {
  disconnectTimeout: (value) =>
    typeof value === 'number' && value >= MINIMUM_DISCONNECT_TIMEOUT
      ? undefined
      : 'DisconnectTimeout must be at least six seconds.',
  keepAlive: or(null, (value) =>
    typeof value === 'number' && value >= MINIMUM_KEEP_ALIVE
      ? undefined
      : 'KeepAlive value must be greater than two seconds.',
  ),
  connectionTimeout: atLeast(1),
  transportConnectTimeout: atLeast(0),
  longPollDelay: atLeast(0),
  maxIncomingWebSocketMessageSize: or(null, wholeNumber(1)),
  maxRequestBodySize: wholeNumber(1),
  maximumParallelInvocationsPerClient: wholeNumber(1),
  enableDetailedErrors: boolean,
  enableJSONP: boolean,
  enableJavaScriptProxies: boolean,
  transports: listOf(...CLASSIC_TRANSPORTS),
};

const outboxDefaults: OutboxOptions = { maxBytes: 1_048_576, maxMessages: 10_000, policy: 'close' };

const outboxRules: OptionRules<OutboxOptions> = {
  maxBytes: wholeNumber(1),
  maxMessages: wholeNumber(1),
  policy: oneOf('close', 'dropOldest', 'keepLatest'),
};

/** The options that are plain values; groups are merged one by one. */
type PlainOptions = Omit<ServerOptions, 'outbox' | 'classic' | 'core'>;

const plainRules: OptionRules<PlainOptions> = {
  path,
  useGlobalPrefix: boolean,
  secret: either(text, listOfText),
  authenticate: or(undefined, func),
  allowedOrigins: listOfText,
  useGlobalFilters: boolean,
  groupTimeout: atLeast(1),
  shutdownTimeout: atLeast(0),
  clock: (value) =>
    typeof (value as { now?: unknown } | null)?.now === 'function' ? undefined : 'must be a clock.',
};

/**
 * Options as a user gives them: everything may be left out.
 *
 * @publicApi
 */
export interface SignalROptions extends Partial<PlainOptions> {
  /** Limits of what waits for a slow receiver. */
  outbox?: Partial<OutboxOptions>;
  /** Options of classic clients, or false to refuse them. */
  classic?: Partial<ClassicOptions> | false;
  /** Options of Core clients, or false to refuse them. */
  core?: Partial<CoreHubOptions> | false;
}

/** Checks the options of the application and completes them. @throws SignalRError with one clear message. */
export function resolveOptions({ outbox, classic, core, ...plain }: SignalROptions): ServerOptions {
  return {
    ...mergeOptions(plainRules, plainDefaults(), plain),
    outbox: mergeOptions(outboxRules, outboxDefaults, outbox, 'outbox.'),
    classic: classic === false ? false : resolveClassic(classic),
    core: core === false ? false : mergeOptions(coreRules, coreDefaults, core, 'core.'),
  };
}

/** Checks what `@Hub({ … })` says of Core clients and puts it over the options of the application. */
export function resolveCoreOptions(
  inherited: CoreHubOptions,
  given: Partial<CoreHubOptions>,
  hub: string,
): CoreHubOptions {
  return mergeOptions(coreRules, inherited, given, `@Hub('${hub}').`);
}

function plainDefaults(): PlainOptions {
  return {
    path: '/signalr',
    useGlobalPrefix: false,
    secret: randomBytes(32).toString('base64url'),
    authenticate: undefined,
    allowedOrigins: [],
    useGlobalFilters: false,
    groupTimeout: 30_000,
    shutdownTimeout: 5_000,
    clock: systemClock,
  };
}

function resolveClassic(given: Partial<ClassicOptions> | undefined): ClassicOptions {
  const merged = mergeOptions(classicRules, classicDefaults, given, 'classic.');
  if (given?.keepAlive === undefined) {
    return { ...merged, keepAlive: merged.disconnectTimeout / KEEP_ALIVE_SHARE };
  }
  if (merged.keepAlive !== null && merged.keepAlive > merged.disconnectTimeout / KEEP_ALIVE_SHARE) {
    throw SignalRError.of(
      'SIGNALR_OPTION_INVALID',
      'classic.keepAlive',
      'KeepAlive value must be no more than a third of the DisconnectTimeout.',
    );
  }
  return merged;
}
