import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What .NET programs of the tests run in. */
export const environment = { ...process.env, DOTNET_CLI_TELEMETRY_OPTOUT: '1', DOTNET_NOLOGO: '1' };
const builds = new Map<string, Promise<string>>();

/**
 * Builds the program of a folder beside this file once per test process and returns its path. Files of the `dotnet`
 * project run one after another, so no two builds meet; one without changes takes two seconds.
 */
export function build(program: string): Promise<string> {
  let result = builds.get(program);
  if (result === undefined) {
    result = runBuild(program);
    builds.set(program, result);
  }
  return result;
}

async function runBuild(program: string): Promise<string> {
  const folder = fileURLToPath(new URL(program, import.meta.url));
  // A build server would outlive the tests and keep our pipes open.
  const args = ['build', folder, '-c', 'Release', '--disable-build-servers'];
  await promisify(execFile)('dotnet', args, { env: environment }).catch((error: { stdout: string }) => {
    throw new Error(`dotnet ${args.join(' ')} failed:\n${error.stdout}`);
  });
  return `${folder}/bin/Release/net10.0/${program}.dll`;
}
