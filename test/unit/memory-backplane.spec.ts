import { describe, expect, test } from 'vitest';
import { InvalidCursorError, MemoryBackplane, MemoryBroker } from 'nestjs-signalr';
import { backplaneConformance } from 'nestjs-signalr/testing';

import { call, RecordingNode, textOf } from '../../lib/testing/conformance/recording-node.js';
import { FakeClock } from '../support/fake-clock.js';

describe('memory backplane', () => {
  const checks = backplaneConformance((count) => {
    const broker = new MemoryBroker({ bufferSize: 100, retention: 60_000, maxIdleTopics: 10 });
    return Array.from({ length: count }, () => new MemoryBackplane({ broker }));
  });

  test.each(checks.map(({ name, run }) => [name, run] as const))('%s', async (_, run) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe('memory backplane limits', () => {
  function start(options: ConstructorParameters<typeof MemoryBackplane>[0] = {}): {
    backplane: MemoryBackplane;
    clock: FakeClock;
  } {
    const clock = new FakeClock();
    const backplane = new MemoryBackplane({ clock, ...options });
    backplane.start(new RecordingNode('n'));
    return { backplane, clock };
  }

  const replayed = (backplane: MemoryBackplane, topic: string, cursor: string): string[] =>
    backplane.replay([{ topic }], cursor).envelopes.map(textOf);

  test('keeps the last messages of a topic, and says when some are gone', () => {
    const { backplane } = start({ bufferSize: 40 });
    backplane.subscribe('t');
    const cursor = backplane.tail();
    for (let index = 0; index < 100; index++) {
      backplane.publish('t', call(`${index}`));
    }
    expect(replayed(backplane, 't', cursor)).toEqual(
      Array.from({ length: 40 }, (_, index) => `${index + 60}`),
    );
    expect(backplane.replay([{ topic: 't' }], cursor)).toMatchObject({ known: true, complete: false });
    expect(backplane.replay([{ topic: 't' }], backplane.tail())).toMatchObject({ complete: true });
  });

  test('keeps at least 32', () => {
    const { backplane } = start({ bufferSize: 1 });
    backplane.subscribe('t');
    const cursor = backplane.tail();
    for (let index = 0; index < 40; index++) {
      backplane.publish('t', call(`${index}`));
    }
    expect(replayed(backplane, 't', cursor)).toHaveLength(32);
  });

  test('a topic without subscribers is forgotten when its time is up', async () => {
    const { backplane, clock } = start({ retention: 10_000 });
    backplane.subscribe('t');
    const cursor = backplane.tail();
    backplane.publish('t', call('x'));
    backplane.unsubscribe('t');
    await clock.advance(9_000);
    expect(replayed(backplane, 't', cursor)).toEqual(['x']);
    await clock.advance(10_000);
    expect(replayed(backplane, 't', cursor)).toEqual([]);
    backplane.stop();
  });

  test('of too many topics without subscribers the oldest goes first', () => {
    const { backplane } = start({ maxIdleTopics: 2 });
    const cursor = backplane.tail();
    for (const topic of ['a', 'b', 'c']) {
      backplane.subscribe(topic);
      backplane.publish(topic, call(topic));
      backplane.unsubscribe(topic);
    }
    expect(['a', 'b', 'c'].map((topic) => replayed(backplane, topic, cursor).length)).toEqual([0, 1, 1]);
  });

  test('a cursor of this log that is damaged is an error, one from the future yields everything', () => {
    const { backplane } = start();
    backplane.subscribe('t');
    backplane.publish('t', call('x'));
    const [epoch] = backplane.tail().split('-') as [string];
    for (const damaged of [`${epoch}-`, `${epoch}-xyz`, `${epoch}-1-2`, `${epoch}-${'F'.repeat(40)}`]) {
      expect(() => backplane.replay([{ topic: 't' }], damaged)).toThrow(InvalidCursorError);
    }
    expect(replayed(backplane, 't', `${epoch}-FFFF`)).toEqual(['x']);
  });

  test('publishing before the start is an error', () => {
    expect(() => new MemoryBackplane().publish('t', call('x'))).toThrow('SignalR has not started yet');
  });
});
