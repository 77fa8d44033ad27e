import { describe, expect, test } from 'vitest';

import { Outbox, type OutboxItem, type OutboxLimits } from '../../lib/connections/outbox.js';

class Peer {
  canWrite = true;
  overflows = 0;
  left = 0;
  readonly written: string[][] = [];
  readonly outbox: Outbox<OutboxItem>;

  constructor(limits: Partial<OutboxLimits> = {}) {
    this.outbox = new Outbox(this, { maxBytes: 1_000, maxMessages: 10, policy: 'close', ...limits });
  }

  write(items: readonly OutboxItem[]): void {
    this.written.push(items.map(({ data }) => data as string));
  }

  overflowed(): void {
    this.overflows++;
  }

  dropped(count: number): void {
    this.left += count;
  }

  push(...texts: string[]): void {
    for (const data of texts) {
      this.outbox.push({ data, droppable: !data.startsWith('answer') });
    }
  }

  /** Lets the peer read again. */
  open(): string[][] {
    this.canWrite = true;
    this.outbox.flush();
    return this.written;
  }
}

const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `m${index}`);

describe('outbox', () => {
  test('writes what one turn has to say once, at its end', async () => {
    const peer = new Peer();
    peer.push('a', 'b');
    await Promise.resolve();
    peer.push('c');
    expect(peer.written).toEqual([]);
    await endOfTurn();
    expect(peer.written).toEqual([['a', 'b', 'c']]);
  });

  test('a turn that says very much is written in parts, and is no overflow', async () => {
    const peer = new Peer({ maxMessages: 300, maxBytes: 1_000_000 });
    peer.push(...names(1_000));
    await endOfTurn();
    expect(peer.written.flat()).toEqual(names(1_000));
    expect(peer.written.length).toBeGreaterThan(1);
    expect(peer.overflows).toBe(0);
  });

  test('keeps messages while the peer does not read', async () => {
    const peer = new Peer();
    peer.canWrite = false;
    peer.push('a', 'b');
    await endOfTurn();
    expect(peer.written).toEqual([]);
    expect(peer.open()).toEqual([['a', 'b']]);
  });

  test.each([{ maxMessages: 3 }, { maxBytes: 7 }])('closes when more waits than may: %o', (limits) => {
    const peer = new Peer(limits);
    peer.canWrite = false;
    peer.push('m0', 'm1', 'm2');
    expect(peer.overflows).toBe(0);
    peer.push('m3');
    expect(peer.overflows).toBe(1);
    expect(peer.outbox.length).toBe(0);
  });

  test('may leave out the oldest, but never answers', () => {
    const peer = new Peer({ maxMessages: 3, policy: 'dropOldest' });
    peer.canWrite = false;
    peer.push('answer', ...names(5));
    expect(peer.open()).toEqual([['answer', 'm3', 'm4']]);
    expect([peer.left, peer.overflows]).toEqual([3, 0]);
  });

  test('leaves out no more than it must', () => {
    const peer = new Peer({ maxMessages: 3, policy: 'dropOldest' });
    peer.canWrite = false;
    peer.push(...names(4));
    expect(peer.open()).toEqual([['m1', 'm2', 'm3']]);
    expect(peer.left).toBe(1);
  });

  test('may keep only the latest, and answers', () => {
    const peer = new Peer({ maxMessages: 3, policy: 'keepLatest' });
    peer.canWrite = false;
    peer.push('m0', 'answer', 'm1', 'm2');
    expect(peer.open()).toEqual([['answer', 'm2']]);
    expect(peer.left).toBe(2);
  });

  test('closes when only answers are left', () => {
    const peer = new Peer({ maxMessages: 2, policy: 'dropOldest' });
    peer.canWrite = false;
    peer.push('answer 1', 'answer 2', 'answer 3');
    expect(peer.overflows).toBe(1);
  });
});
