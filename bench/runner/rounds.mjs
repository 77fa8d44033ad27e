import { Entrant } from './entrant.mjs';

const slices = 2;

/**
 * Measures one scenario on fresh servers. Machines that are shared change their speed from one second to the next, so
 * the servers of a round take turns in short slices, each time in another order.
 *
 * @param {import('../scenarios.mjs').Scenario} scenario
 * @param {object} settings
 * @param {import('../targets.mjs').Target[]} settings.targets
 * @param {number} settings.rounds
 * @param {number} settings.seconds measured per server and round
 * @param {import('./cores.mjs').Cores} settings.cores
 * @returns {Promise<import('./entrant.mjs').Result[]>}
 */
export async function measureScenario(scenario, { targets, rounds, seconds, cores }) {
  const takingPart = targets.filter(
    ({ only, not }) => (only?.includes(scenario.name) ?? true) && not?.includes(scenario.name) !== true,
  );
  const entrants = takingPart.map((target) => new Entrant(target, scenario));
  const slice = (seconds * 1_000) / slices;
  try {
    await inTurn(entrants, (entrant) => entrant.start(cores));
    // One round for nothing, in which the code of the servers gets hot.
    await playRound(entrants, slice, { counts: false });
    for (let round = 0; round < rounds; round++) {
      await playRound(entrants, slice, { counts: true });
    }
  } finally {
    await Promise.all(entrants.map((entrant) => entrant.stop()));
  }
  return entrants.map((entrant) => entrant.result);
}

/** @param {Entrant[]} entrants @param {number} slice milliseconds @param {{ counts: boolean }} round */
async function playRound(entrants, slice, round) {
  await inTurn(entrants, (entrant) => entrant.beginRound());
  for (let turn = 0; turn < slices; turn++) {
    await inTurn(rotated(entrants, turn), (entrant) => entrant.measure(slice));
  }
  await inTurn(entrants, (entrant) => entrant.endRound(round));
}

/** @param {Entrant[]} entrants @param {(entrant: Entrant) => Promise<void>} step */
async function inTurn(entrants, step) {
  for (const entrant of entrants) {
    await step(entrant);
  }
}

/** @template T @param {T[]} list @param {number} by @returns {T[]} */
function rotated(list, by) {
  const first = by % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}
