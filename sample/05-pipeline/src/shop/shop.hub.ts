import { UseInterceptors, UsePipes, ValidationPipe } from '@nestjs/common';
import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';
import { OrderDto } from './order.dto.js';
import { Stock } from './stock.js';
import { TimingInterceptor } from './timing.interceptor.js';

interface ShopClient {
  /** What modules of the server have seen, as it happens. */
  witness(line: string): void;
}

export interface Receipt {
  readonly text: string;
  readonly left: number;
}

@Hub('shop')
export class ShopHub extends SignalRHub<ShopClient> {
  constructor(private readonly stock: Stock) {
    super();
  }

  @HubMethod()
  @UsePipes(new ValidationPipe({ transform: true }))
  @UseInterceptors(TimingInterceptor)
  place(order: OrderDto): Receipt {
    const left = this.stock.take(order.product, order.count);
    return { text: `${order.count} × ${order.product} for ${order.email}`, left };
  }

  /** A mistake of the programmer: nobody outside learns more than that. */
  @HubMethod()
  crash(): never {
    throw new TypeError(`Cannot read properties of undefined (reading 'customer')`);
  }
}
