import { measureScenario } from '../runner/rounds.mjs';
import { costRatios, median } from '../runner/statistics.mjs';
import { scenarios } from '../scenarios.mjs';
import { aspNetCore, baseline, classic, json, socketIoServer } from '../targets.mjs';

const sizes = [100, 1_000, 5_000];
const seconds = 0.8;

/**
 * Whether a delivery costs the same however many connections and groups there are.
 *
 * @type {import('./study.mjs').Study}
 */
export const growth = {
  name: 'growth',
  title: 'Growth with connections and groups',
  async run({ cores, rounds, quick, canRun }) {
    const targets = [baseline, socketIoServer, json, classic, aspNetCore].filter(canRun);
    const columns = [];
    for (const name of ['broadcast', 'groups']) {
      const scenario = scenarios.find((one) => one.name === name);
      for (const connections of quick ? sizes.slice(0, 1) : sizes) {
        const settings = { targets, rounds, seconds, cores };
        const results = await measureScenario({ ...scenario, connections }, settings);
        columns.push({ name, connections, results });
      }
    }
    return {
      head: ['', ...columns.map(titleOf)],
      rows: targets.map((target) => [target.title, ...columns.map((column) => cell(column, target))]),
      data: columns.map(({ name, connections, results }) => ({
        name,
        connections,
        results: results.map((result) => ({ ...result, target: result.target.name })),
      })),
      charts: ['broadcast', 'groups'].map((name) => ({
        name: `growth-${name}`,
        kind: /** @type {const} */ ('lines'),
        title:
          name === 'broadcast'
            ? 'Server CPU time per delivery of a broadcast, µs, by connections'
            : 'Server CPU time per delivery to groups of 10, µs, by connections',
        labels: columns.filter((column) => column.name === name).map(({ connections }) => `${connections}`),
        lines: targets.map((target) => ({
          title: target.title,
          values: columns.filter((column) => column.name === name).map((column) => cost(column, target)),
        })),
      })),
    };
  },
};

/** @param {{ name: string, connections: number }} column */
function titleOf({ name, connections }) {
  return name === 'broadcast' ? `broadcast to ${connections}` : `${connections / 10} groups of 10`;
}

function resultOf({ results }, target) {
  return results.find((result) => result.target === target);
}

/** Microseconds. */
function cost(column, target) {
  return median(resultOf(column, target).samples.map(({ cpuPerMessage }) => cpuPerMessage));
}

function cell(column, target) {
  const result = resultOf(column, target);
  if (result.failure !== undefined) {
    return `failed: ${result.failure}`;
  }
  const { median: ratio } = costRatios(result, resultOf(column, baseline));
  return `${cost(column, target).toFixed(2)} µs (${ratio.toFixed(2)})`;
}
