export interface Random {
  next(): number;
  between(low: number, high: number): number;
  oneOf<T>(list: readonly T[]): T;
}

export function seededRandom(seed: number): Random;
