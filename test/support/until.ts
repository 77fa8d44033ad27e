import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Resolves when a condition holds; one that cannot be found out does not hold yet. Rejects with what was waited for if it
 * does not in time (default: 10,000 ms).
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadline = 10_000,
): Promise<void> {
  const end = performance.now() + deadline;
  const holds = async (): Promise<boolean> => condition();
  while (!(await holds().catch(() => false))) {
    if (performance.now() > end) {
      throw new Error(`${what}: not within ${deadline} ms`);
    }
    await sleep(10);
  }
}
