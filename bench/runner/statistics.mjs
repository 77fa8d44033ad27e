/** @param {number[]} values @returns {number} NaN for no values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The value that this share of all values is below. @param {ArrayLike<number>} sorted ascending @param {number} share */
export function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/**
 * How dear `result` is in comparison: each round gives one ratio of CPU time per message.
 *
 * @param {import('./entrant.mjs').Result} result
 * @param {import('./entrant.mjs').Result} baseline
 */
export function costRatios(result, baseline) {
  const rounds = Math.min(result.samples.length, baseline.samples.length);
  const ratios = Array.from({ length: rounds }, (_, round) => {
    return result.samples[round].cpuPerMessage / baseline.samples[round].cpuPerMessage;
  });
  return { median: median(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) };
}
