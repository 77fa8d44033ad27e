import { parseArgs } from 'node:util';
import { scenarios } from './scenarios.mjs';
import { baseline, targets } from './targets.mjs';

export const usage = `npm run bench -- [options]

  --quick               one short round: does it work at all?
  --servers a,b         only these, and ${baseline.name}: ${names(targets)}
  --scenarios x,y       only these: ${names(scenarios)}
  --rounds 5            measured rounds per scenario
  --seconds 1.2         measured time per server and round
  --json out.json       write everything that was measured
  --help                this text`;

/**
 * @typedef {object} Options
 * @property {boolean} help
 * @property {import('./targets.mjs').Target[]} targets
 * @property {import('./scenarios.mjs').Scenario[]} scenarios
 * @property {number} rounds
 * @property {number} seconds
 * @property {string | undefined} json
 */

/** @param {string[]} args @returns {Options} */
export function parseOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      servers: { type: 'string', default: names(targets) },
      scenarios: { type: 'string', default: names(scenarios) },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    help: values.help,
    targets: pick(targets, `${baseline.name},${values.servers}`, '--servers'),
    scenarios: pick(scenarios, values.scenarios, '--scenarios'),
    rounds: atMost(50, values.rounds ?? (values.quick ? '1' : '5'), '--rounds'),
    seconds: atMost(60, values.seconds ?? (values.quick ? '0.3' : '1.2'), '--seconds'),
    json: values.json,
  };
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
  const list = wanted.split(',').filter((name) => name !== '');
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
