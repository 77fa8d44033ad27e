import { describe, expect, test } from 'vitest';
import { type BackplaneNode, MemoryBackplane } from 'nestjs-signalr';
import {
  backplaneConformance,
  type BackplaneConformanceOptions,
  type CreateBackplanes,
  FaultyBackplane,
} from 'nestjs-signalr/testing';

import { brokenBackplanes, farmsOf } from '../support/broken-backplanes.js';

const memory = farmsOf((options) => new MemoryBackplane(options));

const names = (options?: BackplaneConformanceOptions): string[] =>
  backplaneConformance(memory, options).map(({ name }) => name);

/** What a backplane does wrong, by the checks that say so, in their order. */
async function complaints(
  create: CreateBackplanes,
  options?: BackplaneConformanceOptions,
): Promise<Record<string, string>> {
  const checks = backplaneConformance(create, { deadline: 50, ...options });
  const outcomes = await Promise.allSettled(checks.map(({ run }) => run()));
  const failed = outcomes.flatMap((outcome, index) =>
    outcome.status === 'rejected' ? [[checks[index]?.name, (outcome.reason as Error).message]] : [],
  );
  return Object.fromEntries(failed) as Record<string, string>;
}

const TO_EVERY_NODE = 'hands a message to every node that has subscribed to its topic, once';
const TO_NOBODY_ELSE = 'hands nothing to others, and nothing after unsubscribing';
const ORDER = 'keeps the order of one sender, over topics';
const EVERY_KIND = 'hands every kind of message on as it was published, with its topic';
const UP = 'tells that it is up';
const REPLAY = 'replays what came after a cursor, over topics, in order, once';
const SINCE = 'replays nothing of a topic up to the position where it was joined';
const LIMIT = 'says so when messages of a topic are no longer kept';
const FORGOTTEN = 'says so when a topic is no longer kept, also to who subscribes to it again';
const IDLE_TOPIC = 'keeps a topic for a while after the last subscriber has gone';
const BEFORE_JOINING = 'replays nothing that was said elsewhere before the node joined';
const OTHER_NODE = 'replays on one node what was missed on another, each message once';
const OTHER_LOG = 'knows nothing of a cursor of another log';
const COMMAND = 'has the owner of a connection carry out a command, wherever it is';
const ANSWER = 'gives back what the client of another node has answered';
const NO_OWNER = 'says so when nobody owns the connection';
const NOTES = 'hands notes to the node that they are for, in order, and knows when there is none';
const OWNER = 'a connection has one owner, whoever claims it first, and none after its node has left';
const ROUTE = 'an entry that is only a route is found, but not counted';
const WHO = 'knows who is connected, with whom and in which groups';
const GROUPS = 'knows the groups of connections on all nodes';
const USER_GROUPS = 'knows the groups of users on all nodes';
const PRESENCE =
  'tells of users who come with their first connection and go with their last, as long as somebody watches';

const LIVE = [TO_EVERY_NODE, TO_NOBODY_ELSE, ORDER, EVERY_KIND];
const PAST = [IDLE_TOPIC, BEFORE_JOINING, OTHER_NODE];
const WITH_ONE_NODE = [UP, REPLAY, SINCE, LIMIT, FORGOTTEN, IDLE_TOPIC, OTHER_LOG, NO_OWNER];
const DIRECTORY = [OWNER, ROUTE, WHO, GROUPS, USER_GROUPS, PRESENCE];

/** Which checks have to see what is wrong. */
const caughtBy: Record<keyof typeof brokenBackplanes, readonly string[]> = {
  'is deaf': [...LIVE, REPLAY, SINCE, LIMIT, FORGOTTEN, ...PAST, NOTES],
  'loses every tenth message': [ORDER, LIMIT, FORGOTTEN],
  'delivers twice': [...LIVE, REPLAY],
  'lets topics overtake each other': [ORDER, REPLAY],
  'does not unsubscribe': [TO_NOBODY_ELSE],
  'forgets who is excluded': [EVERY_KIND],
  'replays nothing': [REPLAY, SINCE, LIMIT, FORGOTTEN, ...PAST, OTHER_LOG],
  'calls every replay complete': [LIMIT, FORGOTTEN],
  'replays what was said before joining': [SINCE],
  'replays topic by topic': [REPLAY, LIMIT, FORGOTTEN, OTHER_LOG],
  'keeps only what somebody is subscribed to': [IDLE_TOPIC, OTHER_NODE],
  'acknowledges what nobody has done': [COMMAND, ANSWER, NO_OWNER],
  'never acknowledges': [COMMAND, ANSWER, NO_OWNER],
  'knows every node and tells none': [NOTES],
  'is never up': [UP],
  'has a directory for each node': DIRECTORY,
  'lets everybody have a connection': [OWNER],
  'leaves its connections behind': [OWNER],
  'counts routes': [ROUTE],
  'forgets what a connection belongs to': [WHO],
  'loses groups when a connection changes': [GROUPS],
  'does not let users go': [USER_GROUPS],
  'goes on telling who comes': [PRESENCE],
};

describe('the suite for backplanes', () => {
  test.each(Object.entries(caughtBy))('sees that a backplane %s', async (fault, checks) => {
    const create = brokenBackplanes[fault as keyof typeof brokenBackplanes];
    expect(Object.keys(await complaints(create))).toEqual(checks);
  });

  test('has no check that nothing can fail', () => {
    expect(new Set(Object.values(caughtBy).flat())).toEqual(new Set(names()));
  });

  test('has nothing to say against a good one', async () => {
    expect(await complaints(memory)).toEqual({});
  });

  test('has a name of its own for every check', () => {
    expect(new Set(names()).size).toBe(names().length);
  });

  test('does not ask for the past where none is promised', async () => {
    expect(names().filter((name) => !names({ keepsPast: false }).includes(name))).toEqual(PAST);
    const create = brokenBackplanes['keeps only what somebody is subscribed to'];
    expect(await complaints(create, { keepsPast: false })).toEqual({});
  });

  test('says what it has waited for, and does not wait for ever', async () => {
    expect((await complaints(brokenBackplanes['loses every tenth message'], { deadline: 250 }))[ORDER]).toBe(
      'message 46 of 50 for node n1: nothing came within 250 ms',
    );
    expect((await complaints(brokenBackplanes['never acknowledges']))[COMMAND]).toBe(
      'the check has not ended within 100 ms',
    );
  });

  test('passes on why no farm could be made', async () => {
    const create = (): never => {
      throw new Error('no server');
    };
    expect(new Set(Object.values(await complaints(create)))).toEqual(new Set(['no server']));
    expect(Object.values(await complaints(() => []))).toEqual(
      names().map(() => expect.stringContaining('create(count) has to make as many backplanes')),
    );
  });
});

describe('backplanes of the suite', () => {
  /** Counts what is started and stopped. */
  class Counted extends MemoryBackplane {
    static started = 0;
    static stopped = 0;

    override start(node: BackplaneNode): void {
      super.start(node);
      Counted.started++;
    }

    override stop(): void {
      super.stop();
      Counted.stopped++;
    }
  }

  class Mute extends Counted {
    override publish(): void {}
  }

  class StartingAlone extends Counted {
    override start(node: BackplaneNode): void {
      if (node.id !== 'n0') {
        throw new Error('no line');
      }
      super.start(node);
    }
  }

  test.each([
    ['pass', Counted, []],
    ['fail', Mute, [...LIVE, REPLAY, SINCE, LIMIT, FORGOTTEN, ...PAST]],
    ['cannot start them all', StartingAlone, names().filter((name) => !WITH_ONE_NODE.includes(name))],
  ] as const)('are stopped once each, by checks that %s', async (_, Kind, failing) => {
    Counted.started = Counted.stopped = 0;
    const failed = await complaints(farmsOf((options) => new Kind(options)));
    expect(Object.keys(failed)).toEqual(failing);
    expect(Counted.started).toBeGreaterThanOrEqual(names().length);
    expect(Counted.stopped).toBe(Counted.started);
  });

  test('are made anew whenever a check is run, and not before', async () => {
    const farms: number[] = [];
    const [check] = backplaneConformance((count) => {
      farms.push(count);
      return memory(count);
    });
    expect(farms).toEqual([]);
    await check?.run();
    await check?.run();
    expect(farms).toEqual([2, 2]);
  });

  test('have to stop', async () => {
    class Stuck extends FaultyBackplane {
      override async stop(): Promise<void> {
        await super.stop();
        await new Promise(() => undefined);
      }
    }
    class Refusing extends MemoryBackplane {
      override stop(): void {
        super.stop();
        throw new Error('not now');
      }
    }
    const stuck = await complaints(farmsOf((options) => new Stuck(new MemoryBackplane(options))));
    expect(stuck[UP]).toBe('stopping has not ended within 100 ms');
    const refusing = await complaints(farmsOf((options) => new Refusing(options)));
    expect(refusing[UP]).toBe('not now');
  });
});
