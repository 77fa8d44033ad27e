import { ServerProcess } from './server-process.mjs';
import { Trial } from './trial.mjs';

/** @typedef {import('../targets.mjs').Target} Target */
/** @typedef {import('./trial.mjs').Sample} Sample */

const warmUp = 300;
const runIn = 250;

/**
 * What became of a target in a scenario: one sample per round, or the reason why there are none.
 *
 * @typedef {{ target: Target, samples: Sample[], failure?: string }} Result
 */

/** A target that takes part in a scenario. Once it has failed, nothing happens any more when it is called. */
export class Entrant {
  /** @type {Result} */
  result;
  #scenario;
  /** @type {ServerProcess | undefined} */
  #server;
  /** @type {Trial | undefined} */
  #trial;

  /** @param {Target} target @param {import('../scenarios.mjs').Scenario} scenario */
  constructor(target, scenario) {
    this.result = { target, samples: [] };
    this.#scenario = scenario;
  }

  /** @param {import('./cores.mjs').Cores} cores */
  start(cores) {
    return this.#unlessFailed(async () => {
      const { command, environment } = this.result.target;
      const settings = this.#scenario.kind === 'groups' ? ['groups'] : [];
      this.#server = await ServerProcess.start(cores.onServerCore([...command, ...settings]), environment);
    });
  }

  beginRound() {
    return this.#unlessFailed(async () => {
      const server = /** @type {ServerProcess} */ (this.#server);
      this.#trial = await Trial.begin(server, this.result.target.dialect, this.#scenario, warmUp);
    });
  }

  /** @param {number} milliseconds */
  measure(milliseconds) {
    return this.#unlessFailed(() => this.#trial?.measure(milliseconds, runIn));
  }

  /** @param {{ counts: boolean }} round */
  endRound({ counts }) {
    return this.#unlessFailed(async () => {
      const sample = /** @type {Sample} */ (await this.#trial?.end());
      if (counts) {
        this.result.samples.push(sample);
      }
    });
  }

  async stop() {
    this.#trial?.abandon();
    await this.#server?.stop();
  }

  /** @param {() => Promise<void> | undefined} step */
  async #unlessFailed(step) {
    if (this.result.failure !== undefined) {
      return;
    }
    try {
      await step();
    } catch (error) {
      this.result.failure = error instanceof Error ? error.message : String(error);
      // Numbers of a server that does not do its work are worth nothing.
      this.result.samples = [];
      await this.stop();
    }
  }
}
