import { writeFileSync } from 'node:fs';
import { parseOptions, usage } from './options.mjs';
import { separateCores } from './runner/cores.mjs';
import { environment, environmentLine } from './runner/environment.mjs';
import { report } from './runner/report.mjs';
import { measureScenario } from './runner/rounds.mjs';

const options = optionsOrExit();
if (options.help) {
  console.log(usage);
  process.exit(0);
}

const cores = separateCores();
const facts = environment(cores.pinned);
const measured = [];
for (const scenario of options.scenarios) {
  console.error(`${scenario.title} …`);
  measured.push({ scenario, results: await measureScenario(scenario, { ...options, cores }) });
}

console.log(`${environmentLine(facts)}\n\n${report(measured)}`);
if (options.json !== undefined) {
  writeFileSync(options.json, JSON.stringify(asData(), null, 2));
}
const failed = measured.some(({ results }) => results.some(({ failure }) => failure !== undefined));
process.exit(failed ? 1 : 0);

function optionsOrExit() {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(2);
  }
}

function asData() {
  const { rounds, seconds } = options;
  const scenarios = measured.map(({ scenario, results }) => ({
    ...scenario,
    results: results.map(({ target, samples, failure }) => ({ target: target.name, failure, samples })),
  }));
  return { environment: facts, rounds, seconds, scenarios };
}
