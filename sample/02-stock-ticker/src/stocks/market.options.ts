/** What drives the market. */
export interface MarketOptions {
  /** Milliseconds between two ticks. */
  readonly interval: number;
  /** Gives numbers from 0 to 1. */
  readonly random: () => number;
}

export const MARKET_OPTIONS = Symbol('MARKET_OPTIONS');
