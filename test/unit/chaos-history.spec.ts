import { describe, expect, test } from 'vitest';

import { describeVerdict, History, isPerfect, sum } from '../chaos/history.mjs';
import { seededRandom } from '../chaos/random.mjs';

/** The verdict on a client that was sent some messages and got some; `a1` is the first of sender a. */
function judge(sent: string, received: string): ReturnType<History['judge']> {
  const history = new History();
  const message = (text: string): { sender: string; number: number } => ({
    sender: text.charAt(0),
    number: Number(text.slice(1)),
  });
  for (const text of sent.split(' ')) {
    history.sent(message(text));
  }
  for (const text of received.split(' ').filter((one) => one !== '')) {
    history.received(message(text));
  }
  return history.judge();
}

describe('the checker of chaos runs', () => {
  test('everything once and in order is perfect, whatever the order of different senders', () => {
    const verdict = judge('a1 b1 a2 b2', 'b1 b2 a1 a2');
    expect(verdict).toEqual({ expected: 4, delivered: 4, lost: 0, duplicated: 0, outOfOrder: 0 });
    expect(isPerfect(verdict)).toBe(true);
  });

  test.each([
    ['a loss', 'a1 a2 a3', 'a1 a3', { lost: 1 }],
    ['a double', 'a1 a2', 'a1 a2 a1', { duplicated: 1 }],
    ['what was never meant for it', 'a1', 'a1 b7', { duplicated: 1 }],
    ['disorder', 'a1 a2 a3', 'a1 a3 a2', { outOfOrder: 1 }],
    ['nothing at all', 'a1', '', { lost: 1 }],
  ])('it notices %s', (_, sent, received, fault) => {
    const verdict = judge(sent, received);
    expect(verdict).toMatchObject(fault);
    expect(isPerfect(verdict)).toBe(false);
  });

  test('a run in which nothing was sent proves nothing', () => {
    expect(isPerfect({ expected: 0, delivered: 0, lost: 0, duplicated: 0, outOfOrder: 0 })).toBe(false);
  });

  test('verdicts add up, and read as the command prints them', () => {
    const total = sum([judge('a1 a2', 'a1 a2'), judge('a1 a2 a3', 'a1 a1 a3 a2')]);
    expect(describeVerdict(total)).toBe('delivered 5 of 5, lost 0, duplicated 1, out of order 1');
  });

  test('the same seed gives the same chance', () => {
    const numbers = (seed: number): number[] => {
      const random = seededRandom(seed);
      return Array.from({ length: 20 }, () => random.between(1, 100));
    };
    expect(numbers(7)).toEqual(numbers(7));
    expect(numbers(7)).not.toEqual(numbers(8));
    expect(numbers(7).every((number) => number >= 1 && number <= 100)).toBe(true);
  });
});
