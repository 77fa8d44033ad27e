import { beforeEach, describe, expect, test } from 'vitest';

import { LogPosition } from '../../lib/redis/log-position.js';
import type { LogMark } from '../../lib/redis/message-log.js';
import type { RedisAccess } from '../../lib/redis/redis-access.js';
import { RedisKeys } from '../../lib/redis/redis-keys.js';
import { StreamLog } from '../../lib/redis/stream-log.js';
import { encodeHead } from '../../lib/redis/wire-format.js';
import { WireReports } from '../../lib/redis/wire-reports.js';
import { call, RecordingNode, textOf } from '../../lib/testing/conformance/recording-node.js';
import { FakeClock } from '../support/fake-clock.js';
import { type Deferred, deferred } from '../support/inbox.js';

const TAG = 'AAAAAAAA';
const EPOCH = 'e1';

/** A message as Redis hands it on. */
const published = (sequence: number, tag: string, count: number, text: string): string =>
  `1 ${EPOCH} ${sequence} ${encodeHead({ tag, count })} @1-0\n${JSON.stringify(call(text))}`;

/** A message as it stands in a log. */
const logged = (sequence: number, tag: string, count: number, text: string): unknown => [
  `${sequence}-0`,
  ['p', '0', 'm', `1 ${encodeHead({ tag, count })}\n${JSON.stringify(call(text))}`],
];

/** What is in the log of each topic, and how many messages of other nodes have been accepted. */
let entries: unknown[];
let acceptedOfOthers: number;
/** Holds back what a log contains. */
let reading: { readonly begun: Deferred; readonly goOn: Deferred } | undefined;

/** What Redis says to a message of this node; nothing, unless a test says otherwise. */
let publish: () => Promise<unknown>;
/** True while there is a connection on which channels are subscribed to. */
let isListening: boolean;
/** Holds back what Redis answers to a sign of life. */
let answering: Deferred | undefined;

const slowRedis = {
  isOpen: true,
  keys: new RedisKeys('test'),
  publishCommand: 'PUBLISH',
  run: () => publish(),
  send: async ([command]: readonly string[]) => {
    if (command === 'GET') {
      return String(acceptedOfOthers);
    }
    const found = entries;
    reading?.begun.resolve();
    await reading?.goOn.promise;
    return found;
  },
} as unknown as RedisAccess;

describe('messages that Redis has not accepted yet', () => {
  let log: StreamLog;
  let node: RecordingNode;
  /** What Redis says of itself. */
  let mark: LogMark;
  const texts = async (topics: readonly string[], cursor: string): Promise<string[]> =>
    (
      await log.replay(
        topics.map((topic) => ({ topic })),
        cursor,
      )
    ).envelopes.map(textOf);

  beforeEach(async () => {
    entries = [];
    acceptedOfOthers = 0;
    reading = undefined;
    isListening = true;
    answering = undefined;
    publish = () => new Promise(() => undefined);
    node = new RecordingNode('here');
    mark = { epoch: EPOCH, sequence: 0, accepted: 0, term: '1-0' };
    log = new StreamLog(
      {
        bufferSize: 100,
        retention: 1_000,
        maxQueuedMessages: 100,
        maxQueuedBytes: 10_000,
        whenDown: 'queue',
      },
      {
        position: new LogPosition(TAG),
        node,
        redis: slowRedis,
        reports: new WireReports(() => undefined),
        clock: new FakeClock(),
        isListening: () => isListening,
        begunAnew: () => undefined,
        sync: async () => {
          const here = mark;
          log.marked(here);
          await answering?.promise;
          return here;
        },
      },
    );
    await log.catchUp();
    log.publisher.lineUp();
    await open('all');
  });

  async function open(topic: string): Promise<void> {
    log.open(topic);
    await log.opened([topic]);
  }

  test('reach who comes back for them, although nobody here listened when they were sent', async () => {
    const before = log.tail();
    void log.publish('t', call('1'));
    void log.publish('all', call('2'));
    void log.publish('t', call('3'));
    await open('t');
    const { envelopes } = await log.replay([{ topic: 't' }, { topic: 'all' }], before);
    expect(envelopes.map(textOf)).toEqual(['1', '2', '3']);
    // Wherever its poll ends, it gets the rest by the next one.
    for (const [index, { position }] of envelopes.entries()) {
      expect(await texts(['t', 'all'], position)).toEqual(['1', '2', '3'].slice(index + 1));
    }
  });

  test('reach one that has been at another node, whose messages are not here yet either', async () => {
    const before = `${log.tail()}:BBBBBBBB-5`;
    void log.publish('all', call('1'));
    void log.publish('t', call('2'));
    await open('t');
    expect(await texts(['t', 'all'], before)).toEqual(['1', '2']);
  });

  test('are not told a second time when Redis hands them on', async () => {
    void log.publish('t', call('1'));
    await open('t');
    log.receive('t', published(1, TAG, 1, '1'));
    log.receive('t', published(2, 'BBBBBBBB', 1, '2'));
    expect(await node.texts(1)).toEqual(['2']);
    expect(await texts(['t'], `${EPOCH}-0`)).toEqual(['1', '2']);
  });

  test('are told with a position after all that the client has seen, also elsewhere', async () => {
    void log.publish('all', call('1'));
    const { position: before } = await node.received.next('the first');
    void log.publish('all', call('2'));
    // Meanwhile other nodes had a lot to say, which has come here at last.
    log.receive('all', published(9, 'BBBBBBBB', 1, '3'));
    const { envelopes } = await log.replay([{ topic: 'all' }], before.replace(`${EPOCH}-0`, `${EPOCH}-9`));
    expect(envelopes.map((envelope) => [textOf(envelope), envelope.position])).toEqual([
      ['2', `${EPOCH}-9:${TAG}-2`],
    ]);
  });

  test('of another node stay seen, although others that were sent before come after them', async () => {
    entries = [
      logged(4, 'CCCCCCCC', 1, '1'),
      logged(5, 'CCCCCCCC', 2, '2'),
      logged(6, 'BBBBBBBB', 2, 'seen'),
    ];
    acceptedOfOthers = 2;
    mark = { epoch: EPOCH, sequence: 6, accepted: 0, term: '1-0' };
    const { envelopes } = await log.replay([{ topic: 'all' }], `${EPOCH}-0:BBBBBBBB-2`);
    expect(envelopes.map((envelope) => [textOf(envelope), envelope.position])).toEqual([
      ['1', `${EPOCH}-4:BBBBBBBB-2`],
      ['2', `${EPOCH}-6`],
    ]);
  });

  test('are replayed as well if they are sent and accepted while the log is being asked', async () => {
    const replaying = log.replay([{ topic: 'all' }], `${EPOCH}-0:BBBBBBBB-2`);
    void log.publish('all', call('2'));
    entries = [logged(6, 'CCCCCCCC', 1, '1'), logged(7, TAG, 1, '2')];
    mark = { epoch: EPOCH, sequence: 7, accepted: 1, term: '1-0' };
    const { envelopes, screen } = await replaying;
    // The place of the last one is behind both: a poll that ends with the first one must not tell it.
    expect(envelopes.map((envelope) => [textOf(envelope), envelope.position])).toEqual([
      ['1', `${EPOCH}-6:BBBBBBBB-2`],
      ['2', `${EPOCH}-7:BBBBBBBB-2`],
    ]);
    expect(screen?.admit(await node.received.next('what was delivered meanwhile'))).toBeUndefined();
  });

  test('belong to what a client has seen from then on', async () => {
    void log.publish('t', call('1'));
    await open('t');
    log.receive('t', published(1, 'BBBBBBBB', 1, '2'));
    const { position } = await node.received.next('the message of the other node');
    expect(position).toBe(`${EPOCH}-1:${TAG}-1`);
    expect(log.tail()).toBe(position);
    expect(await texts(['t'], position)).toEqual([]);
  });

  test('are not told again to who has had them elsewhere, before it is known here where they stand', async () => {
    void log.publish('t', call('1'));
    log.open('t');
    mark = { epoch: EPOCH, sequence: 2, accepted: 1, term: '1-0' };
    // It was accepted before the subscription, as the first message; this is the next one.
    log.receive('t', published(2, 'BBBBBBBB', 1, '2'));
    expect(await texts(['t'], `${EPOCH}-2`)).toEqual([]);
    // A sign of life tells that it was accepted, not where.
    log.receive('t', published(3, 'BBBBBBBB', 2, '3'));
    mark = { epoch: EPOCH, sequence: 9, accepted: 1, term: '1-0' };
    log.marked(mark);
    expect(await texts(['t'], `${EPOCH}-3`)).toEqual([]);
  });

  test('nor after a later one of the node has come back', async () => {
    void log.publish('t', call('1'));
    await open('t');
    void log.publish('t', call('2'));
    log.receive('t', published(5, TAG, 2, '2'));
    mark = { epoch: EPOCH, sequence: 5, accepted: 2, term: '1-0' };
    // It is between 0 and 5, and the log knows where.
    expect(await texts(['t'], `${EPOCH}-4`)).toEqual([]);
  });

  test('are none of the business of who joins afterwards', async () => {
    const tail = log.tail();
    void log.publish('group', call('1'));
    await open('group');
    const since = log.joinedAt('group', tail);
    void log.publish('group', call('2'));
    const { envelopes } = await log.replay([{ topic: 'group', since }], tail);
    expect(envelopes.map(textOf)).toEqual(['2']);
  });

  test('nor are they once they are in the log, for who comes from the node that has sent them', async () => {
    entries = [logged(6, 'CCCCCCCC', 1, 'before'), logged(7, 'CCCCCCCC', 2, 'after')];
    mark = { epoch: EPOCH, sequence: 7, accepted: 0, term: '1-0' };
    const since = `${EPOCH}-0:CCCCCCCC-1`;
    const { envelopes } = await log.replay([{ topic: 'group', since }], `${EPOCH}-0`);
    expect(envelopes.map(textOf)).toEqual(['after']);
  });

  test('and were delivered here are replayed after another subscription has begun', async () => {
    const before = log.tail();
    void log.publish('all', call('1'));
    expect(await node.texts(1)).toEqual(['1']);
    log.close('all');
    void log.publish('all', call('2'));
    await open('all');
    expect(await texts(['all'], before)).toEqual(['1', '2']);
    expect(node.received.pending).toEqual([]);
  });

  test('keep their place in a life of the log that the node has not heard of from those who know only this one', async () => {
    log.receive('all', published(9, 'BBBBBBBB', 1, '1'));
    publish = () => Promise.resolve(['accepted', 'e2', 5, 1, '2-0']);
    await log.publish('all', call('2'));
    expect(await texts(['all'], `${EPOCH}-9`)).toEqual(['2']);
  });

  test('are in the memory of the node also when the log begins anew before Redis accepts them', async () => {
    void log.publish('all', call('1'));
    log.receive('all', published(5, 'BBBBBBBB', 1, '2').replace(EPOCH, 'e2'));
    expect(await texts(['all'], 'e2-5')).toEqual(['1']);
    log.receive('all', published(6, TAG, 1, '1').replace(EPOCH, 'e2'));
    expect(await texts(['all'], 'e2-4')).toEqual(['1', '2']);
    expect(await texts(['all'], 'e2-6')).toEqual([]);
  });

  test('and are not in memory any more are looked for in the log when it has begun anew', async () => {
    void log.publish('all', call('1'));
    for (let count = 1; count <= 100; count++) {
      log.receive('all', published(count, 'BBBBBBBB', count, '-'));
    }
    log.receive('all', published(5, 'BBBBBBBB', 101, '2').replace(EPOCH, 'e2'));
    mark = { epoch: 'e2', sequence: 6, accepted: 1, term: '2-0' };
    entries = [logged(6, TAG, 1, '1')];
    expect(await texts(['all'], 'e2-5')).toEqual(['1']);
  });

  describe('what a node cannot know, who comes back does not find complete in its memory:', () => {
    /** Gives the subscriptions back. @returns what goes on with reading what was missed, once that has begun */
    async function makeUp(): Promise<() => Promise<void>> {
      const [begun, goOn] = [deferred(), deferred()];
      reading = { begun, goOn };
      isListening = true;
      const back = log.subscriptionsBack();
      await begun.promise;
      reading = undefined;
      return () => {
        goOn.resolve();
        return back;
      };
    }

    function loseSubscriptions(): void {
      isListening = false;
      log.subscriptionsLost();
    }

    test('topics that are opened while what was missed is being read', async () => {
      loseSubscriptions();
      mark = { ...mark, sequence: 5 };
      const goOn = await makeUp();
      log.open('t');
      const opened = log.opened(['t']);
      await Promise.all([goOn(), opened]);
      // It was said before anybody here listened, and the node has gone past it.
      entries = [logged(3, 'BBBBBBBB', 1, 'missed')];
      expect(log.tail()).toBe(`${EPOCH}-5`);
      expect(await texts(['t'], `${EPOCH}-0`)).toEqual(['missed']);
    });

    test('topics whose subscription begins after the place up to which is read', async () => {
      loseSubscriptions();
      isListening = true;
      log.open('t');
      mark = { ...mark, sequence: 5 };
      const goOn = await makeUp();
      await goOn();
      // Said between that place and the subscription.
      mark = { ...mark, sequence: 6 };
      await log.opened(['t']);
      entries = [logged(6, 'BBBBBBBB', 1, 'missed')];
      expect(await texts(['t'], `${EPOCH}-5`)).toEqual(['missed']);
    });

    test('topics whose subscription is confirmed after that place as well', async () => {
      loseSubscriptions();
      isListening = true;
      log.open('t');
      const answer = deferred();
      answering = answer;
      mark = { ...mark, sequence: 5 };
      entries = [logged(3, 'BBBBBBBB', 1, 'made up')];
      const back = log.subscriptionsBack();
      // Said between that place and the subscription.
      mark = { ...mark, sequence: 6 };
      const opened = log.opened(['t']);
      answer.resolve();
      await Promise.all([back, opened]);
      entries = [logged(3, 'BBBBBBBB', 1, 'made up'), logged(6, 'BBBBBBBB', 2, 'missed')];
      expect(await texts(['t'], `${EPOCH}-3`)).toEqual(['missed']);
    });

    test('topics that are opened again while an earlier subscription has not ended yet', async () => {
      await open('t');
      log.close('t');
      log.open('t');
      log.receive('t', published(1, 'BBBBBBBB', 1, 'heard'));
      // The earlier subscription ends, something is said, and the new one begins.
      mark = { ...mark, sequence: 2 };
      await log.opened(['t']);
      entries = [logged(1, 'BBBBBBBB', 1, 'heard'), logged(2, 'BBBBBBBB', 2, 'missed')];
      expect(await texts(['t'], `${EPOCH}-1`)).toEqual(['missed']);
    });

    test('messages of the node itself that nobody here wanted when they were accepted', async () => {
      publish = () => Promise.resolve(['accepted', EPOCH, 1, 1, '1-0']);
      loseSubscriptions();
      await log.publish('t', call('own'));
      const before = `${EPOCH}-0`;
      log.open('t');
      entries = [logged(1, TAG, 1, 'own')];
      mark = { ...mark, sequence: 1, accepted: 1 };
      const goOn = await makeUp();
      // Who connects now has no use for it, and goes on without asking Redis.
      const tail = log.tail();
      expect(tail).toBe(`${EPOCH}-0:${TAG}-1`);
      expect(log.replay([{ topic: 't' }], tail)).toMatchObject({ complete: true, envelopes: [] });
      const waiting = texts(['t'], before);
      await goOn();
      expect(await waiting).toEqual(['own']);
      expect(await texts(['t'], before)).toEqual(['own']);
      // From here on memory is enough.
      expect(log.replay([{ topic: 't' }], `${EPOCH}-1`)).toMatchObject({ complete: true, envelopes: [] });
    });

    test('messages of the node itself that were accepted before the topic was opened, in the middle of making up', async () => {
      publish = () => Promise.resolve(['accepted', EPOCH, 3, 1, '1-0']);
      log.close('all');
      loseSubscriptions();
      await log.publish('t', call('own'));
      // Its client comes here between two attempts to make up what was missed.
      isListening = true;
      log.open('t');
      mark = { ...mark, sequence: 4, accepted: 1 };
      const opened = log.opened(['t']);
      entries = [logged(2, 'BBBBBBBB', 1, 'made up'), logged(3, TAG, 1, 'own')];
      const goOn = await makeUp();
      await Promise.all([goOn(), opened]);
      expect(await texts(['t'], `${EPOCH}-2`)).toEqual(['own']);
    });

    test('topics of another life of the log, as long as they are not subscribed to', async () => {
      log.open('t');
      log.receive('all', published(7, 'BBBBBBBB', 1, '1').replace(EPOCH, 'e2'));
      mark = { ...mark, epoch: 'e2', sequence: 8 };
      entries = [logged(8, 'BBBBBBBB', 2, 'missed')];
      const opened = log.opened(['t']);
      await opened;
      expect(await texts(['t'], 'e2-7')).toEqual(['missed']);
    });

    test('what was being subscribed to when the connection was lost is made up as well', async () => {
      log.open('t');
      loseSubscriptions();
      mark = { ...mark, sequence: 1 };
      entries = [logged(1, 'BBBBBBBB', 1, 'missed')];
      const goOn = await makeUp();
      await goOn();
      expect(await node.texts(2)).toEqual(['missed', 'missed']);
    });
  });
});
