import { BackplaneFarm, type CreateBackplanes, type FarmCheck } from './backplane-farm.js';
import { deliveryChecks } from './delivery-checks.js';
import { directoryChecks } from './directory-checks.js';
import { nodeChecks } from './node-checks.js';
import { replayChecks } from './replay-checks.js';

/** What a backplane promises beyond what all do, and how long it may take. */
export interface BackplaneConformanceOptions {
  /**
   * Whether the past can be replayed on every node, also of topics that nobody has been subscribed to for a while. False leaves
   * out the checks of that. Default: true.
   */
  readonly keepsPast?: boolean;
  /**
   * How long, in milliseconds, a check waits for each thing that has to come; as a whole it may take twice as long, and so
   * may stopping its backplanes. Default: 2,000.
   */
  readonly deadline?: number;
}

/**
 * One thing that every backplane has to do.
 *
 * @publicApi
 */
export interface BackplaneCheck {
  /** What it is, to be the title of a test; unique in the suite. */
  readonly name: string;
  /**
   * Makes backplanes, starts them, looks whether they do it and stops them. Rejects with what is wrong, or with what a backplane has
   * thrown. May be run again, and beside others.
   */
  run(): Promise<void>;
}

const DEADLINE = 2_000;

const checks: readonly FarmCheck[] = [...deliveryChecks, ...replayChecks, ...nodeChecks, ...directoryChecks];

/**
 * What every `Backplane` has to do, as checks for any test runner:
 *
 * ```ts
 * for (const { name, run } of backplaneConformance((count) => farmOf(count))) {
 *   test(name, run);
 * }
 * ```
 *
 * @param create makes so many backplanes that are not started yet. What is published through one has to reach the others, and
 * nothing that an earlier call has made may reach them: give each call a prefix of its own. Called when a check runs; what it throws
 * is what the check rejects with.
 * @publicApi
 */
export function backplaneConformance(
  create: CreateBackplanes,
  { keepsPast = true, deadline = DEADLINE }: BackplaneConformanceOptions = {},
): readonly BackplaneCheck[] {
  return checks
    .filter(({ needsPast = false }) => keepsPast || !needsPast)
    .map((check) => ({
      name: check.name,
      run: () => runCheck(check, new BackplaneFarm(create, deadline)),
    }));
}

/** A backplane that never settles a promise must not keep runners waiting that have no time-out of their own. */
async function runCheck(check: FarmCheck, farm: BackplaneFarm): Promise<void> {
  const limit = 2 * farm.deadline;
  try {
    await within(limit, 'the check', check.run(farm));
  } catch (error) {
    // What is wrong with the check says more than what is wrong with stopping after it.
    await within(limit, 'stopping', farm.stop()).catch(() => undefined);
    throw error;
  }
  await within(limit, 'stopping', farm.stop());
}

async function within(limit: number, what: string, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} has not ended within ${limit} ms`)), limit);
  });
  try {
    await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}
