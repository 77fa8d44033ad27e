import {
  type ArgumentMetadata,
  BadRequestException,
  Injectable,
  ParseIntPipe,
  type PipeTransform,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { IsInt, MaxLength, Min } from 'class-validator';
import { afterEach, describe, expect, test } from 'vitest';
import {
  Hub,
  HubException,
  HubMethod,
  SignalRHub,
  type SignalRModuleOptions,
  type ValidationFailure,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { RawCoreClient } from '../../support/core-client.js';

class OrderDto {
  @MaxLength(5)
  name!: string;

  @IsInt()
  @Min(1)
  count!: number;
}

@Injectable()
class NotAllowedPipe implements PipeTransform {
  transform(_value: unknown, { metatype }: ArgumentMetadata): unknown {
    throw new BadRequestException({ message: [`${metatype?.name ?? ''} is not allowed`] });
  }
}

@Hub('shop')
@UsePipes(new ValidationPipe({ transform: true }))
class ShopHub extends SignalRHub {
  @HubMethod('placeOrder')
  place(note: string, order: OrderDto): unknown {
    return [note, order instanceof OrderDto];
  }

  @HubMethod()
  parse(@MessageBody(ParseIntPipe) value: number): number {
    return value;
  }

  @HubMethod()
  never(@MessageBody(NotAllowedPipe) value: string): string {
    return value;
  }
}

const FAILURE: ValidationFailure = {
  hub: 'shop',
  method: 'placeOrder',
  argument: 'order',
  rules: [
    'name must be shorter than or equal to 5 characters',
    'count must not be less than 1',
    'count must be an integer number',
  ],
};

const TEXT = `The argument 'order' of shop.placeOrder is not valid: ${FAILURE.rules.join('; ')}.`;

describe.each(platforms)('arguments that are not valid, on %s', (platform) => {
  let app: TestApp;

  async function start(signalr: SignalRModuleOptions = {}): Promise<[RawClassicClient, RawCoreClient]> {
    app = await startApp({ platform, hubs: [ShopHub], signalr });
    return [
      await RawClassicClient.connect(`${app.url}/signalr`),
      await RawCoreClient.connect(`${app.url}/signalr/shop`),
    ];
  }

  afterEach(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  const BAD = { name: 'too long a name', count: 0.5 };

  test('the caller reads hub, method, argument and the rules, and gets them as data', async () => {
    const [classic, core] = await start();
    expect((await classic.invoke('shop', 'PLACEORDER', 'n', { name: 'tea', count: 2 })).R).toEqual([
      'n',
      true,
    ]);
    expect(await classic.invoke('shop', 'placeOrder', 'n', BAD)).toMatchObject({
      H: true,
      E: TEXT,
      D: FAILURE,
    });
    expect((await core.invoke('placeOrder', 'n', BAD)).error).toBe(
      `An unexpected error occurred invoking 'placeOrder' on the server. HubException: ${TEXT}`,
    );
    expect((await classic.invoke('shop', 'never', 'x')).E).toBe(
      `The argument 'value' of shop.never is not valid: String is not allowed.`,
    );
  });

  test('an option maps them', async () => {
    const [classic] = await start({
      validationError: ({ argument, rules }) => new HubException(`${argument}: ${rules.length} rules`),
    });
    expect(await classic.invoke('shop', 'placeOrder', 'n', BAD)).toMatchObject({
      H: true,
      E: 'order: 3 rules',
    });
  });

  test('an option may keep them from the caller', async () => {
    const [classic, core] = await start({ validationError: () => new Error('kept inside') });
    expect((await classic.invoke('shop', 'placeOrder', 'n', BAD)).E).toBe(
      `There was an error invoking Hub method 'shop.placeOrder'.`,
    );
    expect((await core.invoke('placeOrder', 'n', BAD)).error).toBe(
      `Failed to invoke 'placeOrder' due to an error on the server.`,
    );
  });

  test('an argument that does not convert is none of it', async () => {
    const [classic] = await start();
    expect((await classic.invoke('shop', 'parse', 'x')).E).toBe(
      `There was an error invoking Hub method 'shop.parse'.`,
    );
  });
});
