import { parseArgs } from 'node:util';
import { scenarios } from './scenarios.mjs';
import { studies } from './studies/index.mjs';
import { baseline, targets } from './targets.mjs';

export const usage = `npm run bench -- [options]

  --quick               one short round: does it work at all?
  --servers a,b         only these, and ${baseline.name}: ${names(targets)}
  --scenarios x,y       only these: ${names(scenarios)}; none for no table
  --studies x,y         only these: ${names(studies)}; none for no study
  --rounds 5            measured rounds per scenario
  --seconds 1.2         measured time per server and round
  --charts docs/charts  draw the results into this folder
  --compare main        something else: ratios of the hot paths to those of another revision
  --json out.json       write everything that was measured
  --help                this text`;

/**
 * @typedef {object} Options
 * @property {boolean} help
 * @property {import('./targets.mjs').Target[]} targets
 * @property {import('./scenarios.mjs').Scenario[]} scenarios
 * @property {import('./studies/study.mjs').Study[]} studies
 * @property {number} rounds
 * @property {number} seconds
 * @property {boolean} quick
 * @property {string | undefined} json
 * @property {string | undefined} charts
 * @property {string | undefined} compare
 */

/** @param {string[]} args @returns {Options} */
export function parseOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      servers: { type: 'string', default: names(targets) },
      scenarios: { type: 'string', default: names(scenarios) },
      studies: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'string' },
      charts: { type: 'string' },
      compare: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    help: values.help,
    quick: values.quick,
    targets: pick(targets, `${baseline.name},${values.servers}`, '--servers'),
    scenarios: pick(scenarios, values.scenarios, '--scenarios'),
    // Who asks for certain columns or rows has no other wishes.
    studies: pick(studies, values.studies ?? (isNarrowed(args) ? 'none' : names(studies)), '--studies'),
    rounds: atMost(50, values.rounds ?? (values.quick ? '1' : '5'), '--rounds'),
    seconds: atMost(60, values.seconds ?? (values.quick ? '0.3' : '1.2'), '--seconds'),
    json: values.json,
    charts: values.charts,
    compare: values.compare,
  };
}

/** @param {string[]} args */
function isNarrowed(args) {
  const text = args.join(' ');
  return /--(servers|scenarios)\b/.test(text) && !/--scenarios[= ]none/.test(text);
}

/** @param {{ name: string }[]} known */
function names(known) {
  return known.map(({ name }) => name).join(',');
}

/**
 * @template {{ name: string }} T
 * @param {T[]} known
 * @param {string} wanted
 * @param {string} option
 * @returns {T[]} in the order of `known`
 */
function pick(known, wanted, option) {
  const list = wanted.split(',').filter((name) => name !== '' && name !== 'none');
  const unknown = list.filter((name) => !known.some((one) => one.name === name));
  if (unknown.length > 0) {
    throw new Error(`${option}: there is no ${unknown.join(', ')}, only ${names(known)}`);
  }
  return known.filter(({ name }) => list.includes(name));
}

/** @param {number} limit @param {string} text @param {string} option */
function atMost(limit, text, option) {
  const value = Number(text);
  if (!(value > 0 && value <= limit)) {
    throw new Error(`${option}: ${text} is not a number above 0 and up to ${limit}`);
  }
  return value;
}
