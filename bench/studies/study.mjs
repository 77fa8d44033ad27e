/**
 * A measurement that is no column of the table.
 *
 * @typedef {object} Study
 * @property {string} name for the command line
 * @property {string} title
 * @property {() => string | undefined} [prepare] gives the reason if it cannot run on this machine
 * @property {(settings: Settings) => Promise<Findings>} run
 *
 * @typedef {object} Settings
 * @property {import('../runner/cores.mjs').Cores} cores
 * @property {number} rounds
 * @property {boolean} quick does it work at all?
 * @property {(target: import('../targets.mjs').Target) => boolean} canRun
 *
 * @typedef {object} Findings
 * @property {string[]} head of a table
 * @property {string[][]} rows
 * @property {unknown} data everything that was measured
 * @property {import('../charts/chart.mjs').Chart[]} charts
 */

export {};
