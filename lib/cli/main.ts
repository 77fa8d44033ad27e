#!/usr/bin/env node
import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { generateProxies } from './proxies.js';

const USAGE = `Usage: nestjs-signalr proxies <app module> [options]

Writes the script that classic JavaScript clients get from /signalr/hubs to a file.

  <app module>         compiled file that exports the root module, for example dist/app.module.js
  -o, --output <file>  where the script goes; standard output if it is left out
  --url <url>          url of the hubs as clients know it (default: /signalr)
  --module <name>      which export is the root module (default: AppModule, or the only module exported)
`;

/** @returns the exit code. */
async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      output: { type: 'string', short: 'o' },
      url: { type: 'string', default: '/signalr' },
      module: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command, file, ...others] = positionals;
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (command !== 'proxies' || file === undefined || others.length > 0) {
    process.stderr.write(USAGE);
    return 2;
  }
  const script = await generateProxies({ file, url: values.url, moduleName: values.module });
  if (values.output === undefined) {
    process.stdout.write(script);
  } else {
    await writeFile(values.output, script);
  }
  return 0;
}

run(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
