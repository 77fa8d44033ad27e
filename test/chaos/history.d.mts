export interface Message {
  readonly sender: string;
  readonly number: number;
}

export interface Verdict {
  readonly expected: number;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly outOfOrder: number;
}

export class History {
  sent(message: Message): void;
  received(message: Message): void;
  readonly isComplete: boolean;
  judge(): Verdict;
}

export function sum(verdicts: readonly Verdict[]): Verdict;
export function describeVerdict(verdict: Verdict): string;
export function isPerfect(verdict: Verdict): boolean;
