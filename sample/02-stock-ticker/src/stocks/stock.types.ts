/** What clients see of a stock. */
export interface Stock {
  symbol: string;
  price: number;
  dayOpen: number;
  dayHigh: number;
  dayLow: number;
}

export type MarketState = 'open' | 'closed';

/** What the server may call on a client. */
export interface StockTickerClient {
  updateStockPrice(stock: Stock): void;
  marketStateChanged(state: MarketState): void;
  marketReset(stocks: Stock[]): void;
}
