import type { Random } from './random.mjs';

export class FaultyProxy {
  constructor(target: number, random: Random);
  readonly faults: Readonly<Record<string, number>>;
  listen(): Promise<number>;
  startFaults(pause?: { readonly low: number; readonly high: number }): void;
  stopFaults(): void;
  close(): Promise<void>;
}
