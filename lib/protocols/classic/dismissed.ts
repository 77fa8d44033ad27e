import type { Clock } from '../../common/clock.js';

/**
 * Connections that the server has sent away. Classic clients between 2.1 and 2.3 know no such message and try to come
 * back, until their time for that is up; so long they are refused.
 */
export class DismissedConnections {
  /** In order of time. */
  private readonly dismissed = new Map<string, { readonly reason: string; readonly until: number }>();

  /** @param lifetime for how long, in milliseconds, clients may try. */
  constructor(
    private readonly clock: Clock,
    private readonly lifetime: number,
    /** Called for each that can have given up by now. */
    private readonly onForgotten: (connectionId: string) => void,
  ) {}

  add(connectionId: string, reason: string): void {
    this.dismissed.delete(connectionId);
    this.dismissed.set(connectionId, { reason, until: this.clock.now() + this.lifetime });
  }

  /** Why a connection was sent away; undefined if it was not. */
  reasonOf(connectionId: string): string | undefined {
    return this.dismissed.get(connectionId)?.reason;
  }

  /** Forgets those who can have given up by now. */
  sweep(now: number): void {
    for (const [connectionId, { until }] of this.dismissed) {
      if (until > now) {
        return;
      }
      this.dismissed.delete(connectionId);
      this.onForgotten(connectionId);
    }
  }
}
