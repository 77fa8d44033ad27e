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
    expect(backplane.replay([{ topic: 't' }], cursor)).toMatchObject({ complete: true });
    await clock.advance(10_000);
    expect(replayed(backplane, 't', cursor)).toEqual([]);
    expect(backplane.replay([{ topic: 't' }], cursor)).toMatchObject({ known: true, complete: false });
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

  describe('a replay is complete', () => {
    const complete = (backplane: MemoryBackplane, topic: string, cursor: string): boolean =>
      backplane.replay([{ topic }], cursor).complete;

    function forgetting(): MemoryBackplane {
      const { backplane } = start({ maxIdleTopics: 0 });
      backplane.subscribe('kept');
      backplane.subscribe('forgotten');
      return backplane;
    }

    test('of a topic that has been known all the time, whatever became of others', () => {
      const backplane = forgetting();
      const cursor = backplane.tail();
      backplane.publish('forgotten', call('x'));
      backplane.unsubscribe('forgotten');
      backplane.publish('nobody is there', call('x'));
      expect(complete(backplane, 'kept', cursor)).toBe(true);
      expect(complete(backplane, 'forgotten', cursor)).toBe(false);
    });

    test('of a topic that was forgotten, if its client has seen everything that was dropped', () => {
      const backplane = forgetting();
      backplane.publish('forgotten', call('x'));
      const cursor = backplane.tail();
      backplane.unsubscribe('forgotten');
      backplane.subscribe('forgotten');
      backplane.publish('forgotten', call('y'));
      expect(replayed(backplane, 'forgotten', cursor)).toEqual(['y']);
      expect(complete(backplane, 'forgotten', cursor)).toBe(true);
    });

    test('not of a topic that missed something while it was forgotten', () => {
      const backplane = forgetting();
      const cursor = backplane.tail();
      backplane.unsubscribe('forgotten');
      backplane.publish('forgotten', call('x'));
      expect(complete(backplane, 'forgotten', cursor)).toBe(false);
      backplane.subscribe('forgotten');
      expect(complete(backplane, 'forgotten', cursor)).toBe(false);
      expect(complete(backplane, 'forgotten', backplane.tail())).toBe(true);
    });

    test('of a group that was joined since, although others were forgotten', () => {
      const backplane = forgetting();
      const cursor = backplane.tail();
      backplane.publish('forgotten', call('x'));
      backplane.unsubscribe('forgotten');
      const since = backplane.tail();
      backplane.subscribe('group');
      backplane.publish('nobody is there', call('x'));
      expect(backplane.replay([{ topic: 'group', since }], cursor).complete).toBe(true);
    });
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
