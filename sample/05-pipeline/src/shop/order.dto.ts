import { IsEmail, IsIn, IsInt, Max, Min } from 'class-validator';

export const PRODUCTS = ['apple', 'banana', 'durian'] as const;

/** An order, as it has to come from a client. */
export class OrderDto {
  @IsEmail({}, { message: 'email must be an e-mail address' })
  email!: string;

  @IsIn(PRODUCTS, { message: `product must be one of ${PRODUCTS.join(', ')}` })
  product!: string;

  @IsInt({ message: 'count must be a whole number' })
  @Min(1, { message: 'count must be at least 1' })
  @Max(10, { message: 'count must be at most 10' })
  count!: number;
}
