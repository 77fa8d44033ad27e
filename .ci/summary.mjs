/**
 * Adds up the JSON results of several vitest runs: node .ci/summary.mjs <file>...
 *
 * Names what failed, since a long log may be read from its end only, and why. Its last line is `N passed, N failed`,
 * with `, N skipped` if there are any. It fails if a test failed or a run left no results.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** Lines of a failure's message that are shown. */
const MESSAGE_LINES = 30;

const totals = { passed: 0, failed: 0, skipped: 0 };
let complete = true;

for (const path of process.argv.slice(2)) {
  try {
    JSON.parse(readFileSync(path, 'utf8')).testResults.forEach((file) => addFile(file, path));
  } catch (error) {
    complete = false;
    console.log(`no results: ${error.message}`);
  }
}

const { passed, failed, skipped } = totals;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = complete && failed === 0 && passed > 0 ? 0 : 1;

function addFile(file, run) {
  for (const { status, fullName, failureMessages } of file.assertionResults) {
    // Besides passed and failed there are skipped, pending, todo and disabled.
    totals[status in totals ? status : 'skipped'] += 1;
    if (status === 'failed') {
      name(file, run, fullName, failureMessages.join('\n'));
    }
  }
  // A file that did not load, or whose hooks failed, has no failed test of its own.
  if (file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed')) {
    totals.failed += 1;
    name(file, run, '(not one test: the file)', file.message);
  }
}

function name(file, run, title, message) {
  const lines = stripVTControlCharacters(message).split('\n').slice(0, MESSAGE_LINES);
  console.log(`failed in ${run}: ${relative('.', file.name)}: ${title}`);
  console.log(lines.map((line) => `    ${line}`).join('\n'));
}
