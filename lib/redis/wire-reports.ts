import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import { UnknownVersionError } from './wire-format.js';

/** Keeps count of what could not be read, and says so: once for each version, so that an update does not flood the log. */
export class WireReports {
  private readonly trace = traceSource('SignalR.MessageBus');
  private readonly versions = new Set<string>();
  /** How many messages were passed over. */
  skipped = 0;

  /** Reads something; undefined if that is not possible. */
  attempt<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.skipped++;
      this.report(toError(error));
      return undefined;
    }
  }

  private report(error: Error): void {
    if (!(error instanceof UnknownVersionError)) {
      this.trace.warn(`a message from Redis cannot be read: ${error.message}`);
    } else if (!this.versions.has(error.version)) {
      this.versions.add(error.version);
      this.trace.warn(`messages of a newer release are passed over: ${error.message}`);
    }
  }
}
