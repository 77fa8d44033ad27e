import { measureScenario } from '../runner/rounds.mjs';
import { costRatios, median } from '../runner/statistics.mjs';
import { scenarios } from '../scenarios.mjs';
import { aspNetCore, baseline, classic, json, socketIoServer } from '../targets.mjs';

const sizes = [100, 1_000, 5_000];
const seconds = 0.8;
/** So many connections this process may have open at the same time: its limit of open files is not ours to change. */
const openAtOnce = 15_000;

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
        const batches = [];
        for (const batch of batchesOf(targets, connections)) {
          const settings = { targets: batch, rounds, seconds, cores };
          batches.push(await measureScenario({ ...scenario, connections }, settings));
        }
        columns.push({ name, connections, batches });
      }
    }
    return {
      head: ['', ...columns.map(titleOf)],
      rows: targets.map((target) => [target.title, ...columns.map((column) => cell(column, target))]),
      data: columns.map(({ name, connections, batches }) => ({
        name,
        connections,
        batches: batches.map((results) =>
          results.map((result) => ({ ...result, target: result.target.name })),
        ),
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

/** Servers that are measured in turn; where all together are too many, each with bare `ws` alone. */
function batchesOf([bare, ...others], connections) {
  return connections * (others.length + 1) > openAtOnce
    ? others.map((target) => [bare, target])
    : [[bare, ...others]];
}

function batchOf({ batches }, target) {
  return batches.find((results) => results.some((result) => result.target === target));
}

function resultOf(column, target, results = batchOf(column, target)) {
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
  const { median: ratio } = costRatios(result, resultOf(column, baseline, batchOf(column, target)));
  return `${cost(column, target).toFixed(2)} µs (${ratio.toFixed(2)})`;
}
