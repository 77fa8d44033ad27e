import { SignalRError } from '../common/errors.js';
import { DONE } from '../common/promises.js';
import type { CallerState } from './caller-state.js';
import type { HubSender } from './hub-sender.js';

/**
 * Tells the caller of a hub method how far it is; a parameter with `@HubProgress()` gets it. Classic clients since 2.1
 * receive the reports, for others they go nowhere (signalr-2 §6.4).
 *
 * @publicApi
 */
export interface IProgress<T> {
  /**
   * Sends a value to the caller. Resolves when the backplane has accepted it; nobody has to wait for it.
   *
   * @throws SignalRError SIGNALR_PROGRESS_COMPLETED once the method has completed.
   */
  report(value: T): Promise<void>;
}

/** The call that progress belongs to. */
export interface ProgressOwner {
  readonly connectionId: string;
  /** Undefined if the client gave the call no id, or takes no progress. */
  readonly progressId: string | undefined;
  readonly state: CallerState;
}

/** Progress of one call. */
export class CallProgress implements IProgress<unknown> {
  private completed = false;

  constructor(
    private readonly sender: HubSender,
    private readonly owner: ProgressOwner,
  ) {}

  report(value: unknown): Promise<void> {
    if (this.completed) {
      throw SignalRError.of('SIGNALR_PROGRESS_COMPLETED');
    }
    const { connectionId, progressId, state } = this.owner;
    return progressId === undefined
      ? DONE
      : this.sender.report(connectionId, progressId, value, state.changesJson);
  }

  complete(): void {
    this.completed = true;
  }
}
