/**
 * Which checks of the two protocol tables (`classic.json`, `core.json`) are proven by the tests that ran.
 *
 * A test claims checks by tags at the very start of its title: `[classic 42] text`, `[classic 4, 5] text`,
 * `[classic 35-45] text`, `[classic 4] [core 9] text`. A check is proven if at least one passed test claims it
 * and no failed one does; a test that did not run proves nothing. Tags in a `describe` title claim nothing.
 */
import { readFileSync } from 'node:fs';

export const protocols = ['classic', 'core'];

const tag = /^\s*\[(classic|core) +(\d{1,4}(?:-\d{1,4})?(?: *, *\d{1,4}(?:-\d{1,4})?)*)\]/;
/** What looks like a tag; when it cannot be read, it is reported rather than passed over. */
const looksLikeTag = /^\s*\[(classic|core)\b[^\]]*\]?/i;

/** Reads a JSON file that lies beside this module. */
function readBeside(name) {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
}

/** The tables of checks, by protocol. */
export function loadTables() {
  return Object.fromEntries(protocols.map((protocol) => [protocol, readBeside(`./${protocol}.json`)]));
}

/** The checks this server cannot meet: by protocol, from number to reason. Without the file there are none. */
export function loadExceptions() {
  try {
    return readBeside('./exceptions.json');
  } catch (error) {
    if (error.code === 'ENOENT') {
      return {};
    }
    throw error;
  }
}

/** Reads the tags at the start of a test title. */
export function parseTags(title) {
  const claims = [];
  const errors = [];
  let rest = title;
  for (let match = tag.exec(rest); match !== null; match = tag.exec(rest)) {
    const [text, protocol, list] = match;
    for (const item of list.split(',')) {
      const [first, last = first] = item.split('-').map(Number);
      if (last < first) {
        errors.push(`the range ${item.trim()} runs backwards`);
      }
      for (let number = first; number <= last; number++) {
        claims.push({ protocol, number });
      }
    }
    rest = rest.slice(text.length);
  }
  const unreadable = looksLikeTag.exec(rest);
  if (unreadable !== null) {
    errors.push(`the tag ${unreadable[0].trim()} cannot be read`);
  }
  return { claims, errors };
}

/** The tests of one or more parsed result files of the JSON reporter. */
export function collectTests(results) {
  return results.flatMap(({ testResults }) =>
    testResults.flatMap(({ assertionResults }) =>
      assertionResults.map(({ title, fullName, status }) => ({ title, fullName: fullName ?? title, status })),
    ),
  );
}

/**
 * Sorts the checks of every protocol into proven, excepted and unproven ones.
 *
 * @returns one entry per protocol, and what is wrong with the claims or the exceptions.
 */
export function assess(tables, tests, exceptions = {}) {
  const problems = [];
  const passed = new Map();
  const failed = new Map();
  const known = new Set(
    protocols.flatMap((protocol) => tables[protocol].map((check) => `${protocol} ${check.number}`)),
  );

  for (const { title, fullName, status } of tests) {
    const { claims, errors } = parseTags(title);
    problems.push(...errors.map((error) => `${error}: ${fullName}`));
    for (const { protocol, number } of claims) {
      const key = `${protocol} ${number}`;
      if (!known.has(key)) {
        problems.push(`there is no check ${key}: ${fullName}`);
      } else if (status === 'passed' || status === 'failed') {
        const claimants = status === 'passed' ? passed : failed;
        claimants.set(key, [...(claimants.get(key) ?? []), fullName]);
      }
    }
  }

  for (const [protocol, reasons] of Object.entries(exceptions)) {
    for (const [number, reason] of Object.entries(reasons)) {
      if (!known.has(`${protocol} ${number}`)) {
        problems.push(`there is no check ${protocol} ${number}: exceptions.json`);
      } else if (typeof reason !== 'string' || reason.trim() === '') {
        problems.push(`the exception ${protocol} ${number} gives no reason: exceptions.json`);
      }
    }
  }

  const reports = protocols.map((protocol) => {
    const report = { protocol, total: tables[protocol].length, proven: [], excepted: [], unproven: [] };
    for (const check of tables[protocol]) {
      const key = `${protocol} ${check.number}`;
      const reason = exceptions[protocol]?.[check.number];
      if (reason !== undefined) {
        report.excepted.push({ ...check, reason });
      } else if (passed.has(key) && !failed.has(key)) {
        report.proven.push(check);
      } else {
        report.unproven.push({ ...check, failedBy: failed.get(key) ?? [] });
      }
    }
    return report;
  });
  return { reports, problems };
}

/** The report as text; its last two lines are the counts. */
export function formatReport(reports) {
  const lines = [];
  for (const { protocol, excepted, unproven } of reports) {
    let section;
    for (const check of unproven) {
      if (check.section !== section) {
        section = check.section;
        lines.push('', `${protocol}, unproven: ${section}`);
      }
      lines.push(numbered(check), ...check.failedBy.map((name) => `        failed: ${name}`));
    }
    if (excepted.length > 0) {
      lines.push('', `${protocol}, not met by this server:`);
      lines.push(...excepted.flatMap((check) => [numbered(check), `        reason: ${check.reason}`]));
    }
  }
  lines.push('');
  for (const { protocol, proven, total } of reports) {
    lines.push(`${protocol}: ${proven.length} of ${total} proven`);
  }
  return lines.join('\n').trimStart();
}

function numbered({ number, rule }) {
  return `  ${String(number).padStart(4)}  ${rule}`;
}
