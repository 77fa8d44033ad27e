import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { type IHubContext, InjectHubContext } from 'nestjs-signalr';
import { Subscription } from 'rxjs';
import { Market } from './market.js';
import { StockTickerHub } from './stock-ticker.hub.js';

/** Tells clients what the market does: a service that calls clients without any of them having called. */
@Injectable()
export class StockBroadcaster implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(StockBroadcaster.name);
  private readonly subscriptions = new Subscription();

  constructor(
    private readonly market: Market,
    @InjectHubContext(StockTickerHub) private readonly ticker: IHubContext<StockTickerHub>,
  ) {}

  onModuleInit(): void {
    const { market, ticker, subscriptions } = this;
    const { clients } = ticker;
    subscriptions.add(
      market.priceChanges.subscribe((stock) =>
        this.send(() => clients.group(stock.symbol).updateStockPrice(stock)),
      ),
    );
    subscriptions.add(
      market.stateChanges.subscribe((state) => this.send(() => clients.all.marketStateChanged(state))),
    );
    subscriptions.add(market.newDays.subscribe((stocks) => this.send(() => clients.all.marketReset(stocks))));
  }

  onModuleDestroy(): void {
    this.subscriptions.unsubscribe();
  }

  private send(call: () => Promise<void>): void {
    call().catch((error: unknown) => this.logger.error('Clients could not be told', error));
  }
}
