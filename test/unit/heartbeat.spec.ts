import { describe, expect, test, vi } from 'vitest';
import { Logger } from '@nestjs/common';

import { Heartbeat } from '../../lib/connections/heartbeat.js';
import { flushAtEndOfTurn } from '../../lib/connections/turn.js';
import { FakeClock } from '../support/fake-clock.js';

describe('what runs without a caller', () => {
  test('a beat that fails harms neither the others nor the process', async () => {
    const logged = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const clock = new FakeClock();
    const heartbeat = new Heartbeat(clock, 100);
    const beats: number[] = [];
    heartbeat.onBeat(() => {
      throw new Error('broken beat');
    });
    heartbeat.onBeat((now) => beats.push(now));
    heartbeat.start();
    await clock.advance(300);
    heartbeat.stop();
    await clock.advance(300);
    expect(beats).toHaveLength(3);
    expect(logged).toHaveBeenCalledTimes(3);
    logged.mockRestore();
  });

  test('a connection that cannot be written to keeps nobody from being written to', async () => {
    const logged = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const flushed = new Promise<void>((resolve) => {
      flushAtEndOfTurn({
        flush: () => {
          throw new Error('broken line');
        },
      });
      flushAtEndOfTurn({ flush: resolve });
    });
    await flushed;
    expect(logged).toHaveBeenCalledTimes(1);
    logged.mockRestore();
  });
});
