import { baseline, json, messagePack, targets } from '../targets.mjs';
import { costRatios, median } from './statistics.mjs';

/** @typedef {import('./entrant.mjs').Result} Result */
/** @typedef {{ scenario: import('../scenarios.mjs').Scenario, results: Result[] }} Measured */

/** @param {Measured[]} measured @returns {string} Markdown */
export function report(measured) {
  return [
    section(
      'Server CPU time per message, ratio to bare `ws` (lowest–highest round)',
      measured,
      (result, base) => {
        const { median: middle, lowest, highest } = costRatios(result, base);
        return result === base ? '1.00' : `**${ratio(middle)}** (${ratio(lowest)}–${ratio(highest)})`;
      },
    ),
    section('Server CPU time per message, µs', measured, ({ samples }) =>
      median(samples.map(({ cpuPerMessage }) => cpuPerMessage)).toFixed(2),
    ),
    section(
      'Messages per second, thousands (secondary: the load shares the machine)',
      measured,
      ({ samples }) => median(samples.map(({ messages, seconds }) => messages / seconds / 1_000)).toFixed(1),
    ),
    comparison(measured),
    failures(measured),
  ].join('\n');
}

/**
 * @param {string} title
 * @param {Measured[]} measured
 * @param {(result: Result, base: Result) => string} cell
 */
function section(title, measured, cell) {
  const taken = targets.filter((target) => measured.some(({ results }) => find(results, target)));
  const rows = taken.map((target) => {
    const cells = measured.map(({ results }) => {
      const result = find(results, target);
      const base = /** @type {Result} */ (find(results, baseline));
      if (result === undefined) {
        return '–';
      }
      return result.samples.length === 0 || base.samples.length === 0 ? 'failed' : cell(result, base);
    });
    return [target.title, ...cells];
  });
  return `### ${title}\n\n${table(['', ...measured.map(({ scenario }) => scenario.title)], rows)}`;
}

/** @param {Result[]} results @param {import('../targets.mjs').Target} wanted */
function find(results, wanted) {
  return results.find(({ target }) => target === wanted);
}

/** What MessagePack costs in ratio to JSON, where both were measured. @param {Measured[]} measured */
function comparison(measured) {
  return measured
    .map(({ scenario, results }) => {
      const [packed, plain] = [messagePack, json].map((wanted) =>
        results.find(({ target, samples }) => target === wanted && samples.length > 0),
      );
      if (packed === undefined || plain === undefined) {
        return '';
      }
      const { median: middle, lowest, highest } = costRatios(packed, plain);
      const range = `${ratio(lowest)}–${ratio(highest)}`;
      return `- ${scenario.title}: MessagePack costs **${ratio(middle)}** (${range}) of JSON\n`;
    })
    .join('');
}

/** @param {string[]} head @param {string[][]} rows */
export function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |\n`;
  return [head, head.map(() => '---'), ...rows].map(line).join('');
}

/** @param {Measured[]} measured */
function failures(measured) {
  return measured
    .flatMap(({ scenario, results }) =>
      results
        .filter(({ failure }) => failure !== undefined)
        .map(({ target, failure }) => `- ${target.name} failed in ${scenario.name}: ${failure}\n`),
    )
    .join('');
}

/** @param {number} value */
function ratio(value) {
  return value.toFixed(2);
}

/** One chart per scenario. @param {Measured[]} measured @returns {import('../charts/chart.mjs').Chart[]} */
export function ratioCharts(measured) {
  return measured.map(({ scenario, results }) => {
    const base = /** @type {Result} */ (find(results, baseline));
    const bars = results
      .filter(({ samples }) => samples.length > 0 && base.samples.length > 0)
      .map((result) => ({ title: result.target.title, value: costRatios(result, base).median }));
    const title = `${scenario.title}: server CPU time per message, ratio to bare ws`;
    return { name: scenario.name, kind: /** @type {const} */ ('bars'), title, bars, mark: 1 };
  });
}
