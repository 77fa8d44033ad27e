import { Injectable } from '@nestjs/common';

/** There is not enough of a product. */
export class OutOfStockError extends Error {
  constructor(
    readonly product: string,
    readonly left: number,
  ) {
    super(`select * from stock where product = '${product}' -- ${left} left`);
  }
}

/** What the shop has. */
@Injectable()
export class Stock {
  private readonly left = new Map([
    ['apple', 1_000],
    ['banana', 1_000],
    ['durian', 0],
  ]);

  /** @throws OutOfStockError whose text is nobody's business */
  take(product: string, count: number): number {
    const left = this.left.get(product) ?? 0;
    if (left < count) {
      throw new OutOfStockError(product, left);
    }
    this.left.set(product, left - count);
    return left - count;
  }
}
