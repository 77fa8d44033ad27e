import { Inject, Injectable } from '@nestjs/common';

import type { DrainPlan } from '../connections/drain.js';
import type { HubServer } from './hub-server.js';
import { SignalRServer } from './signalr.server.js';

/**
 * The running server, for operations: how many connections it has, and how to empty it before it is replaced.
 *
 * @publicApi
 */
@Injectable()
export class SignalRService {
  constructor(@Inject(SignalRServer) private readonly server: HubServer) {}

  /** How many connections this process has. */
  get connectionCount(): number {
    return this.server.connectionCount;
  }

  /** True once new clients are refused. */
  get isDraining(): boolean {
    return this.server.isDraining;
  }

  /**
   * Empties the server while the rest of the application lives: new clients get 503, each connection finishes its running
   * calls, its client is told to come back (to another server, by then), and `onDisconnected` runs. `app.close()` does
   * the same at once, with `shutdownTimeout` as the deadline. A throw of hub code is logged.
   *
   * @param plan `deadline` in milliseconds (default: `shutdownTimeout`), connections in a `batch` (default: all) and the
   * `interval` between two batches in milliseconds (default: 0).
   * @returns false if the deadline came before everybody had gone.
   */
  drain(plan: Partial<DrainPlan> = {}): Promise<boolean> {
    return this.server.drain(plan);
  }
}
