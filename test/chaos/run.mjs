/**
 * Lets messages flow over lines that break, and counts what arrived: `npm run chaos -- classic --seconds 60 --seed 7`, or
 * `core`; or through a farm whose nodes and Redis die: `npm run chaos -- redis --seconds 120 --seed 7`. The last line says it;
 * the exit code is 1 unless every message arrived once and in order, or in a farm its client was told to begin anew.
 */
import { parseArgs } from 'node:util';
import { runChaos } from './chaos.mjs';
import { classic } from './classic.mjs';
import { core } from './core.mjs';
import { describeVerdict, isPerfect } from './history.mjs';
import { runRedis } from './redis.mjs';

const families = { classic, core };

const USAGE = `npm run chaos -- ${Object.keys(families).join('|')}|redis [options]

  --seconds 60          how long messages flow
  --seed 7              repeats the chance of a run; a new one is printed otherwise
  --clients 2           clients of each kind
  --kind a,b            only these kinds of clients
                        classic: ${classic.kinds.join(',')}
                        core, with stateful reconnect: ${core.kinds.join(',')}

  redis has one client of each kind, and takes --seconds, --seed and

  --nodes 3             servers that share the Redis
`;

/** @param {{ seconds: string, seed: string, nodes: string }} values */
async function farm({ seconds, seed, nodes }) {
  console.log(`seed ${seed}, ${seconds} s, ${nodes} nodes`);
  const { faults, clients, total } = await runRedis({
    seconds: Number(seconds),
    seed: Number(seed),
    nodeCount: Number(nodes),
  });
  printFaults(faults);
  const line = (verdict) => `${describeVerdict(verdict)}, signalled ${verdict.signalled}`;
  for (const { name, signals, ...verdict } of clients) {
    console.log(`${name.padEnd(24)} began anew ${String(signals).padStart(3)} times: ${line(verdict)}`);
  }
  console.log(line(total));
  return isPerfect(total) ? 0 : 1;
}

function printFaults(faults) {
  const counts = Object.entries(faults).map(([fault, count]) => `${count} × ${fault}`);
  console.log(`faults: ${counts.join(', ')}`);
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      clients: { type: 'string', default: '2' },
      kind: { type: 'string' },
      nodes: { type: 'string', default: '3' },
      help: { type: 'boolean', default: false },
    },
  });
  if (positionals.join() === 'redis' && !values.help) {
    return farm(values);
  }
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
  printFaults(faults);
  for (const { name, reconnects, ...verdict } of clients) {
    console.log(
      `${name.padEnd(20)} came back ${String(reconnects).padStart(4)} times: ${describeVerdict(verdict)}`,
    );
  }
  console.log(describeVerdict(total));
  return isPerfect(total) ? 0 : 1;
}

process.exitCode = await main();
