export type Transport = 'webSockets' | 'serverSentEvents' | 'longPolling' | 'foreverFrame';

export interface Verdict {
  readonly expected: number;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly outOfOrder: number;
}

export interface ChaosResult {
  /** How often each fault has happened. */
  readonly faults: Readonly<Record<string, number>>;
  readonly clients: readonly (Verdict & { readonly name: string; readonly reconnects: number })[];
  readonly total: Verdict;
}

export const classicTransports: readonly Transport[];

export function runClassic(options: {
  readonly seconds: number;
  readonly seed: number;
  readonly transports?: readonly Transport[];
  readonly clientsPerTransport?: number;
}): Promise<ChaosResult>;
