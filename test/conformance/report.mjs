/**
 * Tells which checks of the two protocols the last test run has proven: `npm run conformance [-- results.json …]`.
 * Several result files count together. Ends with 1 if there is no result, or if a claim or an exception is wrong.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { assess, collectTests, formatReport, loadExceptions, loadTables } from './conformance.mjs';

const defaultFile = fileURLToPath(new URL('../../.test-results/vitest.json', import.meta.url));

function main(files) {
  const missing = files.filter((file) => !existsSync(file));
  if (missing.length > 0) {
    console.error(`No test results at ${missing.join(', ')}. Make them with: npm test`);
    return 1;
  }
  const results = [];
  for (const file of files) {
    try {
      const result = JSON.parse(readFileSync(file, 'utf8'));
      collectTests([result]);
      results.push(result);
    } catch (error) {
      console.error(`${file} is no result file of the JSON reporter: ${error.message}`);
      return 1;
    }
  }
  const { reports, problems } = assess(loadTables(), collectTests(results), loadExceptions());
  for (const problem of problems) {
    console.error(`error: ${problem}`);
  }
  console.log(formatReport(reports));
  return problems.length > 0 ? 1 : 0;
}

const files = process.argv.slice(2);
process.exitCode = main(files.length > 0 ? files : [defaultFile]);
