import type { Clock } from '../common/clock.js';
import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import type { SkipReason } from '../messaging/backplane.js';
import type { TransportName } from '../transports/channel.js';
import type { ProtocolFamily } from './connection.js';

/**
 * How a connection has ended, in the words of ASP.NET Core (signalr-core §9.1): by its client or its hub, because the client
 * did not come back in time, or because the server went away.
 *
 * @publicApi
 */
export type ConnectionStatus = 'normal_closure' | 'timeout' | 'app_shutdown';

/**
 * Why messages to a connection were lost: its client did not read and more waited than the outbox holds, or for too long; it
 * stayed away for too long, or for more messages than the log keeps; or it came with a cursor of a log that is gone.
 *
 * @publicApi
 */
export type MessageLoss =
  'outbox_full' | 'send_timeout' | 'away_too_long' | 'log_exceeded' | 'unknown_cursor';

/**
 * Measures the connections of an application: the option `metrics`. Each member is called a few times in the life of a
 * connection, never for a message that is delivered. What it throws is logged.
 *
 * @publicApi
 */
export interface ConnectionMetrics {
  /** A connection has opened its first line. */
  opened(transport: TransportName): void;
  /** A connection has moved to a line of another transport. */
  moved(from: TransportName, to: TransportName): void;
  /** A connection has ended and its hub knows. @param duration milliseconds since its first line was opened. */
  closed(transport: TransportName, status: ConnectionStatus, duration: number): void;
  /** Messages to a connection are lost: the third guarantee of docs/guarantees.md. */
  lostMessages(family: ProtocolFamily, reason: MessageLoss): void;
  /** Something that another node has sent was passed over: a message, a command, a note. */
  skippedMessage(reason: SkipReason): void;
}

const logger = traceSource('SignalR.Connection');

/** No connection suffers from being measured. */
export function measure(metrics: ConnectionMetrics, what: (metrics: ConnectionMetrics) => void): void {
  try {
    what(metrics);
  } catch (error) {
    logger.error('metrics failed', toError(error).stack);
  }
}

/** One connection as metrics see it. */
export class MeasuredConnection {
  private transport: TransportName | undefined;
  private openedAt = 0;

  constructor(
    private readonly metrics: ConnectionMetrics,
    private readonly family: ProtocolFamily,
    private readonly clock: Clock,
  ) {}

  /** A line was opened. The first one begins the connection; classic clients may come back over another transport. */
  opened(transport: TransportName): void {
    const previous = this.transport;
    this.transport = transport;
    if (previous === undefined) {
      this.openedAt = this.clock.now();
      measure(this.metrics, (metrics) => metrics.opened(transport));
    } else if (previous !== transport) {
      measure(this.metrics, (metrics) => metrics.moved(previous, transport));
    }
  }

  /** The connection has ended. One that never had a line does not count. */
  closed(status: ConnectionStatus): void {
    const { transport } = this;
    if (transport !== undefined) {
      this.transport = undefined;
      const duration = this.clock.now() - this.openedAt;
      measure(this.metrics, (metrics) => metrics.closed(transport, status, duration));
    }
  }

  lostMessages(reason: MessageLoss): void {
    measure(this.metrics, (metrics) => metrics.lostMessages(this.family, reason));
  }
}
