import { mkdirSync, writeFileSync } from 'node:fs';
import { draw } from './charts/chart.mjs';
import { compareWith } from './compare/revisions.mjs';
import { parseOptions, usage } from './options.mjs';
import { separateCores } from './runner/cores.mjs';
import { environment, environmentLine } from './runner/environment.mjs';
import { report, ratioCharts, table } from './runner/report.mjs';
import { measureScenario } from './runner/rounds.mjs';

const options = optionsOrExit();
if (options.help) {
  console.log(usage);
  process.exit(0);
}
const cores = separateCores();
if (options.compare !== undefined) {
  process.exit(await compareWith(options.compare, cores));
}

const targets = options.targets.filter(isAvailable);
const facts = environment(cores.pinned);
console.log(environmentLine(facts));
const measured = await measureTable();
const studied = await runStudies();
if (options.json !== undefined) {
  writeFileSync(options.json, JSON.stringify(asData(), null, 2));
}
if (options.charts !== undefined) {
  drawCharts(options.charts);
}
const failed = measured.some(({ results }) => results.some(({ failure }) => failure !== undefined));
process.exit(failed || studied.some(({ findings }) => findings === undefined) ? 1 : 0);

function optionsOrExit() {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(2);
  }
}

/** @param {import('./targets.mjs').Target | import('./studies/study.mjs').Study} wanted */
function isAvailable({ name, prepare }) {
  const reason = prepare?.();
  if (reason !== undefined) {
    console.error(`without ${name}: ${reason}`);
  }
  return reason === undefined;
}

async function measureTable() {
  const columns = [];
  for (const scenario of options.scenarios) {
    console.error(`${scenario.title} …`);
    columns.push({ scenario, results: await measureScenario(scenario, { ...options, targets, cores }) });
  }
  if (columns.length > 0) {
    console.log(`\n${report(columns)}`);
  }
  return columns;
}

/** A study that fails is reported, and the others go on. */
async function runStudies() {
  const { rounds, quick } = options;
  const settings = { cores, rounds, quick, canRun: (target) => targets.includes(target) };
  const done = [];
  for (const { name, title, run } of options.studies.filter(isAvailable)) {
    console.error(`${title} …`);
    try {
      const findings = await run(settings);
      console.log(`\n### ${title}\n\n${table(findings.head, findings.rows)}`);
      done.push({ name, findings });
    } catch (error) {
      console.error(error);
      done.push({ name, findings: undefined });
    }
  }
  return done;
}

/** @param {string} folder */
function drawCharts(folder) {
  mkdirSync(folder, { recursive: true });
  const charts = [...ratioCharts(measured), ...studied.flatMap(({ findings }) => findings?.charts ?? [])];
  for (const chart of charts) {
    writeFileSync(`${folder}/${chart.name}.svg`, draw(chart));
  }
}

function asData() {
  const { rounds, seconds } = options;
  const scenarios = measured.map(({ scenario, results }) => ({
    ...scenario,
    results: results.map(({ target, samples, failure }) => ({ target: target.name, failure, samples })),
  }));
  const studies = studied.map(({ name, findings }) => ({ name, data: findings?.data }));
  return { environment: facts, rounds, seconds, scenarios, studies };
}
