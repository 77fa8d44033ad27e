import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import type { SkipReason } from '../messaging/backplane.js';
import { UnknownVersionError } from './wire-format.js';

/** Says what could not be read: to metrics each time, to the log once for each version, so that an update does not flood it. */
export class WireReports {
  private readonly trace = traceSource('SignalR.MessageBus');
  private readonly versions = new Set<string>();

  /** @param onSkipped called for everything that is passed over. Must not throw. */
  constructor(private readonly onSkipped: (reason: SkipReason) => void) {}

  /** Reads something; undefined if that is not possible. */
  attempt<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.report(toError(error));
      return undefined;
    }
  }

  private report(error: Error): void {
    if (!(error instanceof UnknownVersionError)) {
      this.onSkipped('unreadable');
      this.trace.warn(`a message from Redis cannot be read: ${error.message}`);
      return;
    }
    this.onSkipped('newer_release');
    if (!this.versions.has(error.version)) {
      this.versions.add(error.version);
      this.trace.warn(`messages of a newer release are passed over: ${error.message}`);
    }
  }
}
