import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where packages are looked for that are no dependency: beside `ws`, and in the folders of `NODE_PATH`. */
const beside = createRequire(createRequire(import.meta.url).resolve('ws'));
const folders = (process.env.NODE_PATH ?? '').split(delimiter).filter((folder) => folder !== '');

/** The optional native packages that `ws` uses by itself. */
export const nativeHelpers = {
  missing: isInstalled('bufferutil')
    ? undefined
    : 'bufferutil and utf-8-validate are not installed (NODE_PATH is looked at as well)',
  /** @type {Record<string, string>} */
  environment: {},
};

/**
 * Builds the .NET server of the benchmarks.
 *
 * @returns {string | undefined} why it cannot be
 */
export function aspNetCoreBuild() {
  const project = fileURLToPath(new URL('../servers/aspnetcore', import.meta.url));
  // A build server would outlive us and keep our pipes open.
  const args = ['build', project, '-c', 'Release', '--disable-build-servers'];
  const env = { ...process.env, DOTNET_CLI_TELEMETRY_OPTOUT: '1', DOTNET_NOLOGO: '1' };
  const { error, status, stdout } = spawnSync('dotnet', args, { env, encoding: 'utf8' });
  if (error !== undefined) {
    return 'there is no .NET SDK';
  }
  return status === 0 ? undefined : `dotnet build failed: ${stdout}`;
}

/** @param {string} name */
function isInstalled(name) {
  if (folders.some((folder) => existsSync(`${folder}/${name}`))) {
    return true;
  }
  try {
    beside.resolve(name);
    return true;
  } catch {
    return false;
  }
}
