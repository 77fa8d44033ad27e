/**
 * Lets messages flow over lines that break, and counts what arrived: `npm run chaos -- classic --seconds 60 --seed 7`, or
 * `core`. The last line says it; the exit code is 1 unless every message arrived once and in order.
 */
import { parseArgs } from 'node:util';
import { runChaos } from './chaos.mjs';
import { classic } from './classic.mjs';
import { core } from './core.mjs';
import { describeVerdict, isPerfect } from './history.mjs';

const families = { classic, core };

const USAGE = `npm run chaos -- ${Object.keys(families).join('|')} [options]

  --seconds 60          how long messages flow
  --seed 7              repeats the chance of a run; a new one is printed otherwise
  --clients 2           clients of each kind
  --kind a,b            only these kinds of clients
                        classic: ${classic.kinds.join(',')}
                        core, with stateful reconnect: ${core.kinds.join(',')}
`;

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      clients: { type: 'string', default: '2' },
      kind: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const family = positionals.length === 1 ? families[positionals[0]] : undefined;
  const kinds = values.kind?.split(',') ?? family?.kinds ?? [];
  const isKnown = family !== undefined && kinds.every((kind) => family.kinds.includes(kind));
  if (values.help || !isKnown) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  console.log(
    `seed ${values.seed}, ${values.seconds} s, ${values.clients} client(s) of each of ${kinds.join(', ')}`,
  );
  const { faults, clients, total } = await runChaos(family, {
    seconds: Number(values.seconds),
    seed: Number(values.seed),
    clientsPerKind: Number(values.clients),
    kinds,
  });
  const counts = Object.entries(faults).map(([fault, count]) => `${count} × ${fault}`);
  console.log(`faults: ${counts.join(', ')}`);
  for (const { name, reconnects, ...verdict } of clients) {
    console.log(
      `${name.padEnd(20)} came back ${String(reconnects).padStart(4)} times: ${describeVerdict(verdict)}`,
    );
  }
  console.log(describeVerdict(total));
  return isPerfect(total) ? 0 : 1;
}

process.exitCode = await main();
