/** Compiles every sample: each folder with a tsconfig.json of its own. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));

for (const name of readdirSync(here).sort()) {
  const config = `${here}${name}/tsconfig.json`;
  if (existsSync(config)) {
    const { status } = spawnSync(process.execPath, [tsc, '-p', config], { stdio: 'inherit' });
    process.exitCode ||= status ?? 1;
  }
}
