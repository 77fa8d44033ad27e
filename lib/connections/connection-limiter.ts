import type { ClientAddress, LimitOptions } from '../common/options.js';

const SERVICE_UNAVAILABLE = 503;
const TOO_MANY_REQUESTS = 429;

/** What a connection counts for. */
interface Counted {
  readonly address: string | undefined;
  readonly userId: string | undefined;
}

/** Counts the connections of this process, from their first line until they have gone, and says when there are enough. */
export class ConnectionLimiter {
  private readonly counted = new Map<string, Counted>();
  private readonly byAddress = new Map<string, number>();
  private readonly byUser = new Map<string, number>();

  /** Without a limit nothing is counted. */
  private readonly isLimited: boolean;

  constructor(private readonly options: LimitOptions) {
    const { maxConnections, maxConnectionsPerAddress, maxConnectionsPerUser } = options;
    this.isLimited = [maxConnections, maxConnectionsPerAddress, maxConnectionsPerUser].some(
      (limit) => limit !== null,
    );
  }

  /** The status with which one more connection is refused; undefined if it is welcome. */
  refuse(request: ClientAddress, userId: string | undefined): number | undefined {
    if (!this.isLimited) {
      return undefined;
    }
    const { maxConnections, maxConnectionsPerAddress, maxConnectionsPerUser } = this.options;
    if (reaches(this.counted.size, maxConnections)) {
      return SERVICE_UNAVAILABLE;
    }
    const ofAddress = countOf(this.byAddress, this.options.addressOf(request));
    const ofUser = countOf(this.byUser, userId);
    return reaches(ofAddress, maxConnectionsPerAddress) || reaches(ofUser, maxConnectionsPerUser)
      ? TOO_MANY_REQUESTS
      : undefined;
  }

  /** Counts a connection; one that is counted already counts once. */
  enter(connectionId: string, request: ClientAddress, userId: string | undefined): void {
    if (!this.isLimited || this.counted.has(connectionId)) {
      return;
    }
    const counted = { address: this.options.addressOf(request), userId };
    this.counted.set(connectionId, counted);
    add(this.byAddress, counted.address, 1);
    add(this.byUser, counted.userId, 1);
  }

  leave(connectionId: string): void {
    const counted = this.counted.get(connectionId);
    if (counted !== undefined) {
      this.counted.delete(connectionId);
      add(this.byAddress, counted.address, -1);
      add(this.byUser, counted.userId, -1);
    }
  }
}

function reaches(count: number, limit: number | null): boolean {
  return limit !== null && count >= limit;
}

function countOf(counts: ReadonlyMap<string, number>, key: string | undefined): number {
  return key === undefined || key === '' ? 0 : (counts.get(key) ?? 0);
}

function add(counts: Map<string, number>, key: string | undefined, change: 1 | -1): void {
  if (key === undefined || key === '') {
    return;
  }
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) {
    counts.set(key, count);
  } else {
    counts.delete(key);
  }
}
