import { randomBytes } from 'node:crypto';

import { expiryOfToken } from './authentication-expiry.js';
import { systemClock } from './clock.js';
import { resolveCore, resolveMultiplex } from './core-option-defaults.js';
import type { CoreHubOptions, MultiplexOptions } from './core-options.js';
import { SignalRError } from './errors.js';
import {
  atLeast,
  boolean,
  either,
  func,
  listOf,
  listOfText,
  mapOf,
  mergeOptions,
  oneOf,
  or,
  type OptionRules,
  path,
  text,
  wholeNumber,
} from './option-rules.js';
import type {
  ClassicOptions,
  CorsOptions,
  LimitOptions,
  OutboxOptions,
  RelayOptions,
  ServerOptions,
} from './options.js';

const CLASSIC_TRANSPORTS = ['webSockets', 'serverSentEvents', 'foreverFrame', 'longPolling'] as const;

const classicDefaults: ClassicOptions = {
  disconnectTimeout: 30_000,
  keepAlive: 10_000,
  connectionTimeout: 110_000,
  transportConnectTimeout: 5_000,
  longPollDelay: 0,
  defaultMessageBufferSize: 1_000,
  maxIncomingWebSocketMessageSize: 65_536,
  maxRequestBodySize: 1_048_576,
  maximumParallelInvocationsPerClient: 1_000,
  enableDetailedErrors: false,
  developmentMode: process.env.NODE_ENV === 'development',
  enableJSONP: false,
  enableJavaScriptProxies: true,
  proxyUrl: undefined,
  minifyProxy: undefined,
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
  defaultMessageBufferSize: (value) =>
    Number.isInteger(value) && (value as number) >= 0
      ? undefined
      : `The buffer size '${String(value)}' is out of range.`,
  maxIncomingWebSocketMessageSize: or(null, wholeNumber(1)),
  maxRequestBodySize: wholeNumber(1),
  maximumParallelInvocationsPerClient: wholeNumber(1),
  enableDetailedErrors: boolean,
  developmentMode: boolean,
  enableJSONP: boolean,
  enableJavaScriptProxies: boolean,
  proxyUrl: or(undefined, text),
  minifyProxy: or(undefined, func),
  transports: listOf(...CLASSIC_TRANSPORTS),
};

const limitDefaults: LimitOptions = {
  maxConnections: null,
  maxConnectionsPerUser: null,
  maxConnectionsPerAddress: null,
  addressOf: ({ remoteAddress }) => remoteAddress,
};

const limitRules: OptionRules<LimitOptions> = {
  maxConnections: or(null, wholeNumber(1)),
  maxConnectionsPerUser: or(null, wholeNumber(1)),
  maxConnectionsPerAddress: or(null, wholeNumber(1)),
  addressOf: func,
};

const outboxDefaults: OutboxOptions = { maxBytes: 1_048_576, maxMessages: 10_000, policy: 'close' };

const outboxRules: OptionRules<OutboxOptions> = {
  maxBytes: wholeNumber(1),
  maxMessages: wholeNumber(1),
  policy: oneOf('close', 'dropOldest', 'keepLatest'),
};

const relayDefaults: RelayOptions = { maxBytes: 131_072, nodeTimeout: 15_000 };

const relayRules: OptionRules<RelayOptions> = {
  maxBytes: wholeNumber(1),
  // The heartbeat, which says that a server is alive, beats once a second.
  nodeTimeout: atLeast(3_000),
};

const corsRules: OptionRules<CorsOptions> = {
  origins: or('*', listOfText),
  credentials: boolean,
  maxAge: atLeast(0),
};

/** The options that are plain values; groups are merged one by one. */
type PlainOptions = Omit<
  ServerOptions,
  'cors' | 'limits' | 'outbox' | 'relay' | 'classic' | 'core' | 'multiplex'
>;

const plainRules: OptionRules<PlainOptions> = {
  path,
  useGlobalPrefix: boolean,
  mount: oneOf('middleware', 'server'),
  secret: either(text, listOfText),
  authenticate: or(undefined, func),
  redirect: or(undefined, func),
  authenticationExpiry: func,
  requireAuthentication: boolean,
  allowedOrigins: listOfText,
  useGlobalFilters: boolean,
  clientResultTimeout: atLeast(1),
  groupTimeout: atLeast(1),
  shutdownTimeout: atLeast(0),
  raiseDisconnectedOfLostNodes: boolean,
  tracing: either(oneOf(true, false, 'debug', 'verbose'), mapOf(oneOf(false, 'debug', 'verbose'))),
  clock: (value) =>
    typeof (value as { now?: unknown } | null)?.now === 'function' ? undefined : 'must be a clock.',
};

/**
 * Options as a user gives them: everything may be left out.
 *
 * @publicApi
 */
export interface SignalROptions extends Partial<PlainOptions> {
  /** Lets pages of other origins use hubs; `origins` has to be given. */
  cors?: (Partial<CorsOptions> & Pick<CorsOptions, 'origins'>) | false;
  /** How many connections one process takes. */
  limits?: Partial<LimitOptions>;
  /** Limits of what waits for a slow receiver. */
  outbox?: Partial<OutboxOptions>;
  /** How servers serve requests of clients that have come to another one. */
  relay?: Partial<RelayOptions>;
  /** Options of classic clients, or false to refuse them. */
  classic?: Partial<ClassicOptions> | false;
  /** Options of Core clients, or false to refuse them. */
  core?: Partial<CoreHubOptions> | false;
  /** A url where Core clients find several hubs over one connection; `path` has to be given. */
  multiplex?: (Partial<MultiplexOptions> & Pick<MultiplexOptions, 'path'>) | false;
}

/** Checks the options of the application and completes them. @throws SignalRError with one clear message. */
export function resolveOptions({
  cors,
  limits,
  outbox,
  relay,
  classic,
  core: givenCore,
  multiplex,
  ...plain
}: SignalROptions): ServerOptions {
  const core = givenCore === false ? false : resolveCore(givenCore);
  return {
    ...mergeOptions(plainRules, plainDefaults(), plain),
    cors: cors === undefined || cors === false ? false : resolveCors(cors),
    limits: mergeOptions(limitRules, limitDefaults, limits, 'limits.'),
    outbox: mergeOptions(outboxRules, outboxDefaults, outbox, 'outbox.'),
    relay: mergeOptions(relayRules, relayDefaults, relay, 'relay.'),
    classic: classic === false ? false : resolveClassic(classic),
    core,
    multiplex: multiplex === undefined || multiplex === false ? false : resolveMultiplex(core, multiplex),
  };
}

function resolveCors(given: Partial<CorsOptions>): CorsOptions {
  const defaults: CorsOptions = { origins: [], credentials: given.origins !== '*', maxAge: 600_000 };
  return mergeOptions(corsRules, defaults, given, 'cors.');
}

function plainDefaults(): PlainOptions {
  return {
    path: '/signalr',
    useGlobalPrefix: false,
    mount: 'middleware',
    secret: randomBytes(32).toString('base64url'),
    authenticate: undefined,
    redirect: undefined,
    authenticationExpiry: expiryOfToken,
    requireAuthentication: false,
    allowedOrigins: [],
    useGlobalFilters: false,
    clientResultTimeout: 30_000,
    groupTimeout: 30_000,
    shutdownTimeout: 5_000,
    raiseDisconnectedOfLostNodes: false,
    tracing: false,
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
