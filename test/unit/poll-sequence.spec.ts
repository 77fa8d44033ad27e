import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';

import { beforeEach, describe, expect, test } from 'vitest';

import type { ChannelEnd } from '../../lib/transports/channel.js';
import { Frame } from '../../lib/transports/frame.js';
import { PollSequence } from '../../lib/transports/poll-sequence.js';
import { FakeClock } from '../support/fake-clock.js';

/** A response that a test finishes by hand: its client may be slow. */
class SlowResponse extends EventEmitter {
  status: number | undefined;
  body: string | undefined;
  destroyed = false;
  writableFinished = false;

  writeHead(status: number): this {
    this.status = status;
    return this;
  }

  end(body?: Buffer): void {
    this.body = body?.toString() ?? '';
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }

  /** The client has read all of it. */
  read(): void {
    this.writableFinished = true;
    this.emit('close');
  }
}

describe('a channel over polls', () => {
  const clock = new FakeClock();
  let polls: PollSequence;
  let ends: ChannelEnd[];
  let over: number;

  const take = (response: SlowResponse): SlowResponse => {
    polls.take(response as unknown as ServerResponse);
    return response;
  };

  beforeEach(() => {
    ends = [];
    over = 0;
    polls = new PollSequence(
      { content: {}, empty: {} },
      { pollTimeout: 90, disconnectTimeout: 15, sendTimeout: 10 },
      clock,
      () => over++,
    );
    polls.owner = { onData: () => undefined, onWritable: () => undefined, onEnd: (end) => ends.push(end) };
  });

  test('a poll behind an answer that is still being read waits for it', () => {
    const slow = take(new SlowResponse());
    polls.send([new Frame('one')]);
    const next = take(new SlowResponse());
    expect(polls.writable).toBe(false);
    polls.send([new Frame('two'), new Frame('three')]);
    expect([slow.body, next.body]).toEqual(['one', undefined]);
    slow.read();
    expect(next.body).toBe('twothree');
  });

  test('who does not read an answer is cut off, and the poll behind it ended', () => {
    const slow = take(new SlowResponse());
    polls.send([new Frame('one')]);
    const next = take(new SlowResponse());
    polls.onHeartbeat(clock.now() + 9);
    expect(slow.destroyed).toBe(false);
    polls.onHeartbeat(clock.now() + 10);
    expect([slow.destroyed, next.status]).toEqual([true, 204]);
    expect([ends, over]).toEqual([[{ clean: false }], 1]);
  });

  test('what was in an answer that did not get through is in the next one', () => {
    const broken = take(new SlowResponse());
    polls.send([new Frame('a'), new Frame('b')]);
    expect(broken.body).toBe('ab');
    polls.send([new Frame('c')]);
    broken.destroy();
    const next = take(new SlowResponse());
    expect([next.status, next.body]).toEqual([200, 'abc']);
    next.read();
    expect(take(new SlowResponse()).status).toBeUndefined();
  });

  test('bytes and text share an answer', () => {
    const poll = take(new SlowResponse());
    polls.send([new Frame('é'), new Frame(Buffer.from('x'))]);
    expect(poll.body).toBe('éx');
  });

  test('after the end, what is left and then nothing', () => {
    polls.send([new Frame('last')]);
    polls.end();
    const last = take(new SlowResponse());
    expect([last.status, last.body, over]).toEqual([200, 'last', 0]);
    last.read();
    expect([take(new SlowResponse()).status, over]).toEqual([204, 1]);
  });

  test('who has said goodbye is not waited for', () => {
    polls.end();
    expect(over).toBe(0);
    polls.expectNoMore();
    expect(over).toBe(1);
  });

  test('dropped, it drops its polls', () => {
    const poll = take(new SlowResponse());
    polls.destroy();
    expect([poll.destroyed, over]).toEqual([true, 1]);
  });
});
