import { Logger } from '@nestjs/common';

import { SignalRError } from './errors.js';

/** The parts of the library that tell what they do, by the names of ASP.NET SignalR where it has the part (signalr-2 §7.13). */
export const TRACE_SOURCES = [
  /** The module: start and end. */
  'SignalR',
  /** Hubs and hub methods that were found. */
  'SignalR.ReflectedHubDescriptorProvider',
  /** Calls of hub methods, lifecycle events, calls to clients. */
  'SignalR.HubDispatcher',
  /** Requests of classic clients, and what persistent connections send. */
  'SignalR.PersistentConnection',
  /** Requests of Core clients. */
  'SignalR.HttpConnectionDispatcher',
  /** Connections, their groups, and what they do not read. */
  'SignalR.Connection',
  /** What is published, subscribed to and replayed. */
  'SignalR.MessageBus',
  'SignalR.Transports.WebSocketTransport',
  'SignalR.Transports.ServerSentEventsTransport',
  'SignalR.Transports.ForeverFrameTransport',
  'SignalR.Transports.LongPollingTransport',
  /** Keep-alives and time-outs. */
  'SignalR.Transports.TransportHeartBeat',
] as const;

export type TraceSourceName = (typeof TRACE_SOURCES)[number];

/** `debug` tells what happens, `verbose` also what is sent. Each must be on in the application's logger, too. */
export type TraceLevel = 'debug' | 'verbose';

/**
 * Which sources trace: true for all with `debug`, a level for all, or a level for each by name; `SignalR.Transports.*`
 * means all whose names begin so, and what is named later wins.
 *
 * @publicApi
 */
export type TracingOption = boolean | TraceLevel | Readonly<Record<string, TraceLevel | false>>;

/**
 * The log of one part. Warnings and errors are always written; traces only where they were asked for, so callers look
 * at {@link isDebug} and {@link isVerbose} before they put a text together.
 */
export class TraceSource {
  isDebug = false;
  isVerbose = false;
  private readonly logger: Logger;

  constructor(readonly name: TraceSourceName) {
    this.logger = new Logger(name);
  }

  error(text: string, stack?: unknown): void {
    this.logger.error(text, stack);
  }

  warn(text: string): void {
    this.logger.warn(text);
  }

  debug(text: string): void {
    if (this.isDebug) {
      this.logger.debug(text);
    }
  }

  verbose(text: string): void {
    if (this.isVerbose) {
      this.logger.verbose(text);
    }
  }

  /** @internal */
  setLevel(level: TraceLevel | false): void {
    this.isVerbose = level === 'verbose';
    this.isDebug = level !== false;
  }
}

const sources = new Map<string, TraceSource>(TRACE_SOURCES.map((name) => [name, new TraceSource(name)]));

/** The log of a part. There is one per process, like the switch of the original. */
export function traceSource(name: TraceSourceName): TraceSource {
  return sources.get(name) as TraceSource;
}

/** Sets the levels of all sources. @throws SignalRError SIGNALR_OPTION_INVALID for a name that none has */
export function configureTracing(option: TracingOption): void {
  const levels: Readonly<Record<string, TraceLevel | false>> =
    typeof option === 'object' ? option : { '*': option === true ? 'debug' : option };
  for (const source of sources.values()) {
    source.setLevel(false);
  }
  for (const [pattern, level] of Object.entries(levels)) {
    const named = [...sources.values()].filter(({ name }) => matches(name, pattern));
    if (named.length === 0) {
      throw SignalRError.of('SIGNALR_OPTION_INVALID', 'tracing', `there is no source '${pattern}'.`);
    }
    for (const source of named) {
      source.setLevel(level);
    }
  }
}

function matches(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}
