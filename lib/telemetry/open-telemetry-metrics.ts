import {
  type Attributes,
  type Counter,
  type Histogram,
  type MeterProvider,
  metrics,
  type UpDownCounter,
} from '@opentelemetry/api';

import type { ProtocolFamily } from '../connections/connection.js';
import type { ConnectionMetrics, ConnectionStatus, MessageLoss } from '../connections/connection-metrics.js';
import type { SkipReason } from '../messaging/backplane.js';
import type { TransportName } from '../transports/channel.js';

/** Name of the meter. */
const METER = 'nestjs-signalr';

/** Those of ASP.NET Core, in seconds (signalr-core §9.1). */
const DURATION_BOUNDARIES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

/** The forever frame, which ASP.NET Core does not have, is named as the others are. */
const TRANSPORTS: Readonly<Record<TransportName, string>> = {
  webSockets: 'web_sockets',
  serverSentEvents: 'server_sent_events',
  longPolling: 'long_polling',
  foreverFrame: 'forever_frame',
};

interface Instruments {
  readonly activeConnections: UpDownCounter;
  readonly duration: Histogram;
  readonly messageLosses: Counter;
  readonly skippedMessages: Counter;
}

/**
 * Where an {@link OpenTelemetryMetrics} measures.
 *
 * @publicApi
 */
export interface OpenTelemetryMetricsOptions {
  /** Default: the global one, as it is when there is something to measure for the first time. */
  readonly meterProvider?: MeterProvider;
}

/**
 * Measures connections with OpenTelemetry, under the names that ASP.NET Core uses, for clients of both families:
 * `SignalRModule.forRoot({ metrics: new OpenTelemetryMetrics() })`. Without an SDK nothing is recorded.
 *
 * @publicApi
 */
export class OpenTelemetryMetrics implements ConnectionMetrics {
  private made: Instruments | undefined;

  constructor(private readonly options: OpenTelemetryMetricsOptions = {}) {}

  opened(transport: TransportName): void {
    this.instruments.activeConnections.add(1, ofTransport(transport));
  }

  moved(from: TransportName, to: TransportName): void {
    this.instruments.activeConnections.add(-1, ofTransport(from));
    this.instruments.activeConnections.add(1, ofTransport(to));
  }

  closed(transport: TransportName, status: ConnectionStatus, duration: number): void {
    this.instruments.activeConnections.add(-1, ofTransport(transport));
    this.instruments.duration.record(duration / 1_000, {
      'signalr.connection.status': status,
      ...ofTransport(transport),
    });
  }

  lostMessages(family: ProtocolFamily, reason: MessageLoss): void {
    this.instruments.messageLosses.add(1, {
      'signalr.protocol.family': family,
      'signalr.loss.reason': reason,
    });
  }

  skippedMessage(reason: SkipReason): void {
    this.instruments.skippedMessages.add(1, { 'signalr.skip.reason': reason });
  }

  /** A meter that is asked for before there is an SDK never records anything, so this waits for the first value. */
  private get instruments(): Instruments {
    return (this.made ??= createInstruments(this.options.meterProvider ?? metrics.getMeterProvider()));
  }
}

function createInstruments(provider: MeterProvider): Instruments {
  const meter = provider.getMeter(METER);
  return {
    activeConnections: meter.createUpDownCounter('signalr.server.active_connections', {
      description: 'Number of connections that are currently active on the server.',
      unit: '{connection}',
    }),
    duration: meter.createHistogram('signalr.server.connection.duration', {
      description: 'The duration of connections on the server.',
      unit: 's',
      advice: { explicitBucketBoundaries: DURATION_BOUNDARIES },
    }),
    messageLosses: meter.createCounter('signalr.server.message_losses', {
      description: 'Number of times that messages to a connection were lost.',
      unit: '{connection}',
    }),
    skippedMessages: meter.createCounter('signalr.server.skipped_messages', {
      description:
        'Number of messages from other servers that were passed over because they could not be read.',
      unit: '{message}',
    }),
  };
}

function ofTransport(transport: TransportName): Attributes {
  return { 'signalr.transport': TRANSPORTS[transport] };
}
