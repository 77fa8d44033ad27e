import { Hub, HubException, HubMethod, SignalRHub } from 'nestjs-signalr';
import { Market } from './market.js';
import type { MarketState, Stock, StockTickerClient } from './stock.types.js';

/** What clients may ask of the market. A group per symbol: who follows a stock is in the group of its name. */
@Hub('stockTicker')
export class StockTickerHub extends SignalRHub<StockTickerClient> {
  constructor(private readonly market: Market) {
    super();
  }

  @HubMethod()
  getAllStocks(): Stock[] {
    return this.market.list();
  }

  @HubMethod()
  getMarketState(): MarketState {
    return this.market.state;
  }

  @HubMethod()
  openMarket(): void {
    this.market.open();
  }

  @HubMethod()
  closeMarket(): void {
    this.market.close();
  }

  @HubMethod()
  reset(): void {
    this.market.reset();
  }

  @HubMethod()
  async follow(symbol: string): Promise<void> {
    await this.groups.add(this.context.connectionId, this.check(symbol));
  }

  @HubMethod()
  async unfollow(symbol: string): Promise<void> {
    await this.groups.remove(this.context.connectionId, this.check(symbol));
  }

  /** Arguments come from outside: nobody makes groups of names that are no symbols. */
  private check(symbol: string): string {
    if (!this.market.has(symbol)) {
      throw new HubException('There is no such stock.');
    }
    return symbol;
  }
}
