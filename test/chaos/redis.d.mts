import type { Verdict } from './history.mjs';

/** What was missed between two connections of a client is signalled: it was told to begin anew. */
export interface FarmVerdict extends Verdict {
  readonly signalled: number;
}

export function runRedis(options: {
  readonly seconds: number;
  readonly seed: number;
  readonly nodeCount?: number;
  /** Called at each fault. */
  readonly onFault?: (what: string) => void;
}): Promise<{
  /** How often each fault has happened. */
  readonly faults: Readonly<Record<string, number>>;
  readonly clients: readonly (FarmVerdict & { readonly name: string; readonly signals: number })[];
  readonly total: FarmVerdict;
}>;
