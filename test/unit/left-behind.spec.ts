import { Logger } from '@nestjs/common';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import { SignalRError } from '../../lib/common/errors.js';
import type { NodeCommand } from '../../lib/messaging/node-command.js';
import { LeftBehind } from '../../lib/protocols/classic/left-behind.js';
import { FakeClock } from '../support/fake-clock.js';

const LIFETIME = 60_000;
const BEAT = 5_000;

/** What becomes of an attempt, for as long as nothing else is said. */
type Outcome = () => Promise<true>;
const heard: Outcome = () => Promise.resolve(true);
const silent: Outcome = () => Promise.reject(SignalRError.of('SIGNALR_ACK_TIMEOUT', 'c'));
const down: Outcome = () => Promise.reject(SignalRError.of('SIGNALR_BACKPLANE_DOWN', 'Redis'));

describe('groups of sessions that another node has taken', () => {
  let clock: FakeClock;
  let outcome: Outcome;
  const command = vi.fn<(command: NodeCommand, timeout: number) => Promise<true>>(() => outcome());
  let leftBehind: LeftBehind;

  beforeEach(() => {
    command.mockClear();
    clock = new FakeClock();
    outcome = heard;
    leftBehind = new LeftBehind({ command }, clock, LIFETIME);
  });

  async function beat(count = 1): Promise<void> {
    for (let beats = 0; beats < count; beats++) {
      await clock.advance(BEAT);
      leftBehind.onHeartbeat(clock.now());
      await new Promise(setImmediate);
    }
  }

  test('are told at once, and no more once they are heard of', async () => {
    leftBehind.tell('c', ['g', 'h']);
    expect(command.mock.calls).toEqual([
      [{ type: 'leftBehind', connectionId: 'c', topics: ['g', 'h'] }, 5_000],
    ]);
    await beat(2);
    expect(command).toHaveBeenCalledTimes(1);
    expect(leftBehind.size).toBe(0);
  });

  test('are nothing to tell of if there are none', () => {
    leftBehind.tell('c', []);
    expect(command).not.toHaveBeenCalled();
    expect(leftBehind.size).toBe(0);
  });

  test.each([
    ['nobody has answered', silent, 0],
    ['the backplane was down', down, 0],
    ['the backplane failed, which is logged', () => Promise.reject(new Error('boom')), 2],
  ])('are told again if %s', async (_, failure, complaints) => {
    const logged = vi.spyOn(Logger.prototype, 'error').mockReturnValue();
    outcome = failure;
    leftBehind.tell('c', ['g']);
    await beat();
    expect(command).toHaveBeenCalledTimes(2);
    outcome = heard;
    await beat();
    expect(command).toHaveBeenCalledTimes(3);
    await beat();
    expect(command).toHaveBeenCalledTimes(3);
    expect(logged).toHaveBeenCalledTimes(complaints);
    logged.mockRestore();
    expect(leftBehind.size).toBe(0);
  });

  test('are not told again while that is going on', async () => {
    let answer!: (value: true) => void;
    outcome = () => new Promise((resolve) => (answer = resolve));
    leftBehind.tell('c', ['g']);
    await beat(3);
    expect(command).toHaveBeenCalledTimes(1);
    answer(true);
    await beat();
    expect(leftBehind.size).toBe(0);
  });

  test('are forgotten when the client can have come back to nobody', async () => {
    outcome = silent;
    leftBehind.tell('c', ['g']);
    await beat(LIFETIME / BEAT);
    expect(leftBehind.size).toBe(0);
  });

  test('are kept for as long as the backplane is down, and so much longer', async () => {
    outcome = down;
    leftBehind.tell('c', ['g']);
    await beat((3 * LIFETIME) / BEAT);
    expect(leftBehind.size).toBe(1);
    outcome = silent;
    await beat(LIFETIME / BEAT - 1);
    expect(leftBehind.size).toBe(1);
    await beat(2);
    expect(leftBehind.size).toBe(0);
  });

  test('are those of the last time that the session was here', async () => {
    let answer!: (value: true) => void;
    outcome = () => new Promise((resolve) => (answer = resolve));
    leftBehind.tell('c', ['g']);
    outcome = silent;
    leftBehind.tell('c', ['h']);
    answer(true);
    await new Promise(setImmediate);
    expect(leftBehind.size).toBe(1);
    outcome = heard;
    await beat();
    expect(command).toHaveBeenLastCalledWith({ type: 'leftBehind', connectionId: 'c', topics: ['h'] }, 5_000);
    expect(leftBehind.size).toBe(0);
  });
});
