import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { HubException } from 'nestjs-signalr';
import { Subject } from 'rxjs';
import { MARKET_OPTIONS, type MarketOptions } from './market.options.js';
import type { MarketState, Stock } from './stock.types.js';

const OPENING_PRICES = { MSFT: 430.25, AAPL: 226.05, GOOG: 165.4 };

/** How often a stock moves on a tick, and how far at most. */
const CHANCE = 0.4;
const RANGE = 0.004;

/** The market and its prices. It knows nothing of clients: who wants to tell somebody listens to its streams. */
@Injectable()
export class Market implements OnModuleDestroy {
  private readonly stocks = new Map<string, Stock>();
  private readonly prices = new Subject<Stock>();
  private readonly states = new Subject<MarketState>();
  private readonly resets = new Subject<Stock[]>();
  private timer: NodeJS.Timeout | undefined;

  readonly priceChanges = this.prices.asObservable();
  readonly stateChanges = this.states.asObservable();
  readonly newDays = this.resets.asObservable();

  constructor(@Inject(MARKET_OPTIONS) private readonly options: MarketOptions) {
    this.load();
  }

  get state(): MarketState {
    return this.timer === undefined ? 'closed' : 'open';
  }

  /** All stocks as they stand now. */
  list(): Stock[] {
    return [...this.stocks.values()].map((stock) => ({ ...stock }));
  }

  has(symbol: string): boolean {
    return this.stocks.has(symbol);
  }

  open(): void {
    if (this.timer === undefined) {
      this.timer = setInterval(() => this.tick(), this.options.interval);
      this.states.next(this.state);
    }
  }

  close(): void {
    if (this.timer !== undefined) {
      clearInterval(this.timer);
      this.timer = undefined;
      this.states.next(this.state);
    }
  }

  /** Starts a new day. @throws HubException while the market is open */
  reset(): void {
    if (this.state === 'open') {
      throw new HubException('Close the market before you reset it.');
    }
    this.load();
    this.resets.next(this.list());
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  private load(): void {
    for (const [symbol, price] of Object.entries(OPENING_PRICES)) {
      this.stocks.set(symbol, { symbol, price, dayOpen: price, dayHigh: price, dayLow: price });
    }
  }

  private tick(): void {
    for (const stock of this.stocks.values()) {
      if (this.options.random() < CHANCE) {
        const factor = 1 + (this.options.random() * 2 - 1) * RANGE;
        stock.price = Math.round(stock.price * factor * 100) / 100;
        stock.dayHigh = Math.max(stock.dayHigh, stock.price);
        stock.dayLow = Math.min(stock.dayLow, stock.price);
        this.prices.next({ ...stock });
      }
    }
  }
}
