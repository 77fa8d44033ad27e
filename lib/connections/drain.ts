import type { Clock } from '../common/clock.js';
import type { Connection } from './connection.js';

/** How connections are sent away. */
export interface DrainPlan {
  /** After so many milliseconds nobody is waited for any more. */
  readonly deadline: number;
  /** How many connections are sent away at a time. */
  readonly batch: number;
  /** Milliseconds between two batches, so that clients do not all come back to other servers at once. */
  readonly interval: number;
}

/**
 * Sends connections away in batches: each first finishes the calls that are running, then its client is told to come
 * back and its hub that it has gone.
 *
 * @returns false if the deadline came first. All have been sent away even then, but hubs may still be running.
 */
export async function drain(
  connections: readonly Connection[],
  { deadline, batch, interval }: DrainPlan,
  clock: Clock,
): Promise<boolean> {
  let isLate = false;
  let cancel = (): void => {};
  const expired = new Promise<void>((resolve) => {
    cancel = clock.after(deadline, () => {
      isLate = true;
      resolve();
    });
  });
  const goodbyes: Promise<void>[] = [];
  for (let start = 0; start < connections.length; start += batch) {
    if (start > 0 && !isLate) {
      await Promise.race([wait(interval, clock), expired]);
    }
    for (const connection of connections.slice(start, start + batch)) {
      goodbyes.push(sendAway(connection, expired));
    }
  }
  await Promise.race([Promise.all(goodbyes), expired]);
  cancel();
  return !isLate;
}

async function sendAway(connection: Connection, expired: Promise<void>): Promise<void> {
  connection.stopReading();
  await Promise.race([connection.whenIdle(), expired]);
  // The answer of the last call is on its way to the outbox: it takes the rest of this turn.
  await new Promise((resolve) => setImmediate(resolve));
  await connection.shutDown();
}

function wait(milliseconds: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.after(milliseconds, resolve));
}
