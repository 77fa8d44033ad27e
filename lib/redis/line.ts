import type { CancelTimer, Clock } from '../common/clock.js';
import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import type { RedisConnection } from './redis-connections.js';

/** How long, in milliseconds, the next attempt waits after the first failure, and at most after many. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2_000;

/** Keeps one connection open: what is lost is opened again, until {@link close}. */
export class Line<C extends RedisConnection> {
  private readonly trace = traceSource('SignalR.MessageBus');
  private connection: C | undefined;
  private isClosed = false;
  private cancelPause: CancelTimer | undefined;
  private readonly upListeners: (() => void)[] = [];
  private readonly downListeners: ((error: Error) => void)[] = [];
  /** Why there is no connection, while there is none. */
  failure: Error | undefined;

  /** @param purpose for the log. */
  constructor(
    private readonly purpose: string,
    private readonly openConnection: () => Promise<C>,
    private readonly clock: Clock,
  ) {}

  /** The connection; undefined while there is none. */
  get current(): C | undefined {
    return this.connection;
  }

  onUp(listener: () => void): void {
    this.upListeners.push(listener);
  }

  onDown(listener: (error: Error) => void): void {
    this.downListeners.push(listener);
  }

  /** Opens the first connection. Rejects if that is not possible, and does not try again. */
  async open(): Promise<void> {
    const connection = await this.openConnection();
    if (this.isClosed) {
      connection.close();
      return;
    }
    this.connection = connection;
    this.failure = undefined;
    connection.onLost = (error) => this.lost(connection, error);
    this.upListeners.forEach((tell) => tell());
  }

  /** Gives up a connection on which nothing moves any more. */
  renew(reason: string): void {
    const { connection } = this;
    if (connection !== undefined) {
      connection.close();
      this.lost(connection, new Error(reason));
    }
  }

  close(): void {
    this.isClosed = true;
    this.cancelPause?.();
    this.connection?.close();
    this.connection = undefined;
  }

  private lost(connection: C, error: Error): void {
    if (this.isClosed || this.connection !== connection) {
      return;
    }
    this.connection = undefined;
    this.failure = error;
    this.trace.warn(`the ${this.purpose} connection to Redis is lost: ${error.message}`);
    this.downListeners.forEach((tell) => tell(error));
    this.reopen(FIRST_PAUSE);
  }

  private reopen(pause: number): void {
    this.cancelPause = this.clock.after(pause, () => {
      this.open().then(
        () => this.trace.warn(`the ${this.purpose} connection to Redis is back`),
        (error: unknown) => {
          if (!this.isClosed) {
            this.failure = toError(error);
            this.reopen(Math.min(pause * 2, LONGEST_PAUSE));
          }
        },
      );
    });
  }
}
