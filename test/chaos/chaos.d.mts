import type { Verdict } from './history.mjs';

export interface Family {
  readonly kinds: readonly string[];
  readonly calls: boolean;
}

export interface ChaosResult {
  /** How often each fault has happened. */
  readonly faults: Readonly<Record<string, number>>;
  readonly clients: readonly (Verdict & { readonly name: string; readonly reconnects: number })[];
  readonly total: Verdict;
}

export function runChaos(
  family: Family,
  options: {
    readonly seconds: number;
    readonly seed: number;
    readonly kinds?: readonly string[];
    readonly clientsPerKind?: number;
  },
): Promise<ChaosResult>;
