import type { Verdict } from './classic.mjs';

export interface Message {
  readonly sender: string;
  readonly number: number;
}

export class History {
  constructor(name: string);
  readonly name: string;
  sent(message: Message): void;
  received(message: Message): void;
  readonly isComplete: boolean;
  judge(): Verdict;
}

export function sum(verdicts: readonly Verdict[]): Verdict;
export function describeVerdict(verdict: Verdict): string;
export function isPerfect(verdict: Verdict): boolean;
