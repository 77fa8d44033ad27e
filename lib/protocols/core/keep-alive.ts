import type { Clock } from '../../common/clock.js';
import type { CoreHubOptions } from '../../common/core-options.js';

/** When the two ends of a connection have last heard of each other. */
export class KeepAlive {
  private lastPingAt: number;
  /** Undefined until the first ping of the client arms the time-out (signalr-core §6.7). */
  private lastHeardAt: number | undefined;

  constructor(
    private readonly options: CoreHubOptions,
    private readonly clock: Clock,
  ) {
    this.lastPingAt = clock.now();
  }

  /** The client has sent a message, or was kept from it by us: then it is not the client who is silent. */
  heard(): void {
    if (this.lastHeardAt !== undefined) {
      this.lastHeardAt = this.clock.now();
    }
  }

  /** The client pings. */
  pinged(): void {
    this.lastHeardAt = this.clock.now();
  }

  /** True if the client has been silent for too long. */
  isOverdue(now: number): boolean {
    return this.lastHeardAt !== undefined && now - this.lastHeardAt >= this.options.clientTimeoutInterval;
  }

  /** True if it is time for a ping, which counts as tried (signalr-core §4.6). */
  takePing(now: number): boolean {
    const isDue = now - this.lastPingAt >= this.options.keepAliveInterval;
    if (isDue) {
      this.lastPingAt = now;
    }
    return isDue;
  }
}
