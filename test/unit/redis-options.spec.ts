import { describe, expect, test } from 'vitest';
import { redisBackplane } from 'nestjs-signalr/redis';

describe('a client that is given to redisBackplane', () => {
  test.each([
    ['is of another package', {}, 'must be a client of the redis package'],
    ['is nothing', null, 'must be a client of the redis package'],
    [
      'cannot be duplicated, as those for sentinels of redis 5',
      { sendCommand: () => Promise.resolve() },
      'cannot be duplicated: clients of sentinels need version 6 of the redis package',
    ],
  ])('is refused if it %s', (_, client, reason) => {
    expect(() => redisBackplane({ client: client as never })).toThrow(
      expect.objectContaining({
        code: 'SIGNALR_OPTION_INVALID',
        message: expect.stringContaining(reason) as string,
      }),
    );
  });
});
