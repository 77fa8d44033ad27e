/**
 * Adds up the JSON results of several vitest runs: node .ci/summary.mjs <file>...
 *
 * Prints `N passed, N failed`, with `, N skipped` if there are any, and fails if a test failed or a run left no
 * results.
 */
import { readFileSync } from 'node:fs';

const totals = { passed: 0, failed: 0, skipped: 0 };
let complete = true;

for (const path of process.argv.slice(2)) {
  try {
    JSON.parse(readFileSync(path, 'utf8')).testResults.forEach(addFile);
  } catch (error) {
    complete = false;
    console.log(`no results: ${error.message}`);
  }
}

const { passed, failed, skipped } = totals;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = complete && failed === 0 && passed > 0 ? 0 : 1;

function addFile(file) {
  const statuses = file.assertionResults.map(({ status }) => status);
  for (const status of statuses) {
    // Besides passed and failed there are skipped, pending, todo and disabled.
    totals[status in totals ? status : 'skipped'] += 1;
  }
  // A file that did not load, or whose hooks failed, has no failed test of its own.
  if (file.status === 'failed' && !statuses.includes('failed')) {
    totals.failed += 1;
  }
}
