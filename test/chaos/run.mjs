/**
 * Lets messages flow over lines that break, and counts what arrived: `npm run chaos -- classic --seconds 60 --seed 7`.
 * The last line says it; the exit code is 1 unless every message arrived once and in order.
 */
import { parseArgs } from 'node:util';
import { classicTransports, runClassic } from './classic.mjs';
import { describeVerdict, isPerfect } from './history.mjs';

const USAGE = `npm run chaos -- classic [options]

  --seconds 60          how long messages flow
  --seed 7              repeats the chance of a run; a new one is printed otherwise
  --clients 2           clients per transport
  --transport a,b       only these: ${classicTransports.join(',')}
`;

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      clients: { type: 'string', default: '2' },
      transport: { type: 'string', default: classicTransports.join(',') },
      help: { type: 'boolean', default: false },
    },
  });
  const transports = values.transport.split(',');
  const known = transports.every((name) => classicTransports.includes(name));
  if (values.help || positionals.join() !== 'classic' || !known) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  console.log(
    `seed ${values.seed}, ${values.seconds} s, ${values.clients} client(s) on each of ${transports.join(', ')}`,
  );
  const { faults, clients, total } = await runClassic({
    seconds: Number(values.seconds),
    seed: Number(values.seed),
    clientsPerTransport: Number(values.clients),
    transports,
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
