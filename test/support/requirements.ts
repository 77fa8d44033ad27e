import { existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

/** What a suite may need that is not on every machine. */
export type Requirement = 'chromium' | 'redis' | 'dotnet';

/** The Redis that is started by suites: `NESTJS_SIGNALR_REDIS_SERVER`, else the one of the package of that name. */
export const redisProgram = process.env.NESTJS_SIGNALR_REDIS_SERVER || 'redis-server';

const probes: Record<Requirement, () => boolean> = {
  chromium: () => chromiumPath() !== undefined,
  redis: () => runs(redisProgram, '--version'),
  dotnet: () => runs('dotnet', '--version'),
};

/**
 * Decides whether a suite can run here. CI names in `NESTJS_SIGNALR_REQUIRE` (comma separated) what must not be
 * missing: there a missing program fails the suite instead of skipping it.
 *
 * @returns true if the suite must be skipped; the reason is printed.
 */
export function missing(requirement: Requirement): boolean {
  if (probes[requirement]()) {
    return false;
  }
  const required = (process.env.NESTJS_SIGNALR_REQUIRE ?? '').split(',').map((name) => name.trim());
  if (required.includes(requirement)) {
    throw new Error(`NESTJS_SIGNALR_REQUIRE names ${requirement}, and it was not found on this machine`);
  }
  console.warn(`skipped: this suite needs ${requirement}, which was not found on this machine`);
  return true;
}

/** Where Chromium is: `CHROMIUM_PATH`, else the usual places of Debian's packages. */
export function chromiumPath(): string | undefined {
  return [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
    (path) => path !== undefined && path !== '' && existsSync(path),
  );
}

/**
 * The servers that the backplane shall work with: the one that all suites start, be it installed or not, since whether they can
 * run is for {@link missing} to say, and of the others those that are.
 */
export function redisPrograms(): readonly string[] {
  const others = ['valkey-server'].filter((program) => program !== redisProgram);
  return [redisProgram, ...others.filter((program) => runs(program, '--version'))];
}

function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
