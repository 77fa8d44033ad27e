import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  assess,
  collectTests,
  formatReport,
  loadExceptions,
  loadTables,
  parseTags,
  protocols,
  type Check,
  type Exceptions,
  type Protocol,
  type TestOutcome,
} from '../conformance/conformance.mjs';

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const numbers = (checks: Check[]) => checks.map((check) => check.number);
const test = (title: string, status = 'passed'): TestOutcome => ({
  title,
  fullName: `suite > ${title}`,
  status,
});
const resultFile = (...tests: TestOutcome[]) => ({ testResults: [{ assertionResults: tests }] });

/** The report on one protocol of the real tables. */
function reportOn(protocol: Protocol, tests: TestOutcome[], exceptions: Exceptions = {}) {
  const { reports, problems } = assess(loadTables(), tests, exceptions);
  const report = reports.find((candidate) => candidate.protocol === protocol)!;
  return { ...report, problems };
}

describe('the tables', () => {
  it.each([
    ['classic', 217, 16],
    ['core', 194, 15],
  ] as const)('hold every check of %s, 1 to %i, once and in order', (protocol, last, sections) => {
    const table = loadTables()[protocol];
    expect(numbers(table)).toEqual(range(1, last));

    // A section is one run of neighbours: the report prints its heading once.
    const runs = table
      .map((check) => check.section)
      .filter((section, index, all) => section !== all[index - 1]);
    expect(runs).toHaveLength(sections);
    expect(new Set(runs).size).toBe(sections);
  });

  it.each(protocols)('give each check of %s a one-line rule of its own', (protocol) => {
    const rules = loadTables()[protocol].map((check) => check.rule);
    expect(new Set(rules).size).toBe(rules.length);
    for (const rule of rules) {
      expect(rule).toMatch(/^\S.{10,175}\S$/u);
    }
  });

  it('agree with the list of exceptions', () => {
    expect(assess(loadTables(), [], loadExceptions()).problems).toEqual([]);
  });
});

describe('tags', () => {
  const claim = (protocol: Protocol, ...list: number[]) => list.map((number) => ({ protocol, number }));

  it.each([
    ['[classic 42] opens a socket', claim('classic', 42)],
    ['[core 17] goes away', claim('core', 17)],
    ['[classic 4, 5] refuses', claim('classic', 4, 5)],
    ['[classic 4,5]', claim('classic', 4, 5)],
    ['[classic 35-38] versions', claim('classic', 35, 36, 37, 38)],
    ['[core 1-2, 7, 9-10] mixed', claim('core', 1, 2, 7, 9, 10)],
    ['[classic 4] [core 9] both', [...claim('classic', 4), ...claim('core', 9)]],
    ['[classic 4][core 9] both', [...claim('classic', 4), ...claim('core', 9)]],
    ['no tag', []],
    ['a tag that comes late [classic 4]', []],
    ['[classic 4] says [core 9] later', claim('classic', 4)],
    ['[1, 2] is a list', []],
    ['[other 4] is no protocol', []],
    ['[classics 4] is no protocol', []],
  ])('are read from %j', (title, claims) => {
    expect(parseTags(title)).toEqual({ claims, errors: [] });
  });

  it.each([
    '[classic] none',
    '[classic x] word',
    '[classic 4-] open range',
    '[classic 4 5] no comma',
    '[Core 9] capital',
    '[classic 4] [core nine] second of two',
    '[classic 4 never closed',
    '[classic 9-3] backwards',
  ])('that cannot be read are an error: %s', (title) => {
    expect(parseTags(title).errors).toHaveLength(1);
  });
});

describe('a check', () => {
  it('is proven by one passed test that claims it', () => {
    const report = reportOn('classic', [test('[classic 1-3] routes'), test('[core 5] other table')]);
    expect(numbers(report.proven)).toEqual([1, 2, 3]);
    expect(report.total).toBe(217);
    expect(numbers(report.unproven)).toEqual(range(4, 217));
    expect(report.problems).toEqual([]);
  });

  it('counts once however many tests claim it', () => {
    const report = reportOn('core', [test('[core 1] a'), test('[core 1] b')]);
    expect(numbers(report.proven)).toEqual([1]);
  });

  it.each(['passed first', 'failed first'])(
    'is not proven when a failed test claims it too (%s)',
    (order) => {
      const tests = [test('[core 1, 2] good'), test('[core 2] bad', 'failed')];
      const report = reportOn('core', order === 'passed first' ? tests : tests.toReversed());
      expect(numbers(report.proven)).toEqual([1]);
      expect(report.unproven[0]).toMatchObject({ number: 2, failedBy: ['suite > [core 2] bad'] });
    },
  );

  it.each(['skipped', 'pending', 'todo', 'disabled'])(
    'is neither proven nor spoilt by a %s test',
    (status) => {
      const report = reportOn('core', [test('[core 1, 2] left out', status), test('[core 2] ran')]);
      expect(numbers(report.proven)).toEqual([2]);
      expect(report.unproven[0]).toMatchObject({ number: 1, failedBy: [] });
    },
  );

  it('is not claimed by the title of a describe', () => {
    const outcome = { title: 'answers', fullName: '[core 1] group answers', status: 'passed' };
    expect(reportOn('core', [outcome]).proven).toEqual([]);
  });

  it.each(['passed', 'failed', 'skipped'])('that does not exist is an error in a %s test', (status) => {
    const report = reportOn('classic', [
      test('[classic 217-218] too far', status),
      test('[core 0] low', status),
    ]);
    expect(report.problems).toEqual([
      'there is no check classic 218: suite > [classic 217-218] too far',
      'there is no check core 0: suite > [core 0] low',
    ]);
  });

  it('with an unreadable tag is an error', () => {
    expect(reportOn('classic', [test('[classic four] text')]).problems).toEqual([
      'the tag [classic four] cannot be read: suite > [classic four] text',
    ]);
  });

  it('that is excepted is listed with its reason and not counted', () => {
    const report = reportOn('classic', [test('[classic 11, 12] identity')], { classic: { 12: 'no users' } });
    expect(numbers(report.proven)).toEqual([11]);
    expect(report.excepted).toMatchObject([{ number: 12, reason: 'no users' }]);
    expect(numbers(report.unproven)).not.toContain(12);
  });

  it('cannot be excepted without a reason, nor without being there', () => {
    const exceptions = { classic: { 12: ' ' }, core: { 195: 'reason' } };
    expect(assess(loadTables(), [], exceptions).problems).toEqual([
      'the exception classic 12 gives no reason: exceptions.json',
      'there is no check core 195: exceptions.json',
    ]);
  });
});

describe('results', () => {
  it('of several files count together', () => {
    const tests = collectTests([
      resultFile(test('[core 1] a'), test('[core 2] b')),
      resultFile(test('[core 2] c', 'failed'), test('[core 3] d')),
    ]);
    expect(tests).toHaveLength(4);
    expect(numbers(reportOn('core', tests).proven)).toEqual([1, 3]);
  });
});

describe('the text of the report', () => {
  it('groups what is unproven by section, lists exceptions and ends with the two counts', () => {
    const tables = {
      classic: [
        { number: 1, section: 'Routing', rule: 'first' },
        { number: 2, section: 'Routing', rule: 'second' },
        { number: 3, section: 'Proxy', rule: 'third' },
        { number: 4, section: 'Proxy', rule: 'fourth' },
      ],
      core: [{ number: 1, section: 'Negotiate', rule: 'only' }],
    };
    const tests = [test('[classic 1] good'), test('[classic 3] bad', 'failed'), test('[core 1] fine')];
    const { reports } = assess(tables, tests, { classic: { 4: 'out of scope' } });
    expect(formatReport(reports).split('\n')).toEqual([
      'classic, unproven: Routing',
      '     2  second',
      '',
      'classic, unproven: Proxy',
      '     3  third',
      '        failed: suite > [classic 3] bad',
      '',
      'classic, not met by this server:',
      '     4  fourth',
      '        reason: out of scope',
      '',
      'classic: 1 of 4 proven',
      'core: 1 of 1 proven',
    ]);
  });
});

describe('the command', () => {
  const script = fileURLToPath(new URL('../conformance/report.mjs', import.meta.url));
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const write = (name: string, content: unknown) => {
    const file = join(folder, name);
    writeFileSync(file, JSON.stringify(content));
    return file;
  };
  const run = (...files: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...files], { encoding: 'utf8' });
    return { status, stderr, lastLines: stdout.trimEnd().split('\n').slice(-2) };
  };

  /** The last lines when checks 1 to the given number are claimed; the listed exceptions do not count. */
  const counts = (classic: number, core: number) => {
    const exceptions = loadExceptions();
    const counted = (protocol: Protocol, last: number) =>
      range(1, last).filter((number) => exceptions[protocol]?.[number] === undefined).length;
    return [
      `classic: ${counted('classic', classic)} of 217 proven`,
      `core: ${counted('core', core)} of 194 proven`,
    ];
  };

  it('merges its files and prints the counts last', () => {
    const first = write('first.json', resultFile(test('[core 1-60] a'), test('[classic 1] b')));
    const second = write('second.json', resultFile(test('[classic 2-97] c'), test('[core 9] d', 'skipped')));
    expect(run(first, second)).toEqual({
      status: 0,
      stderr: '',
      lastLines: counts(97, 60),
    });
  });

  it('ends with 1 on an unknown number, still with the counts last', () => {
    const file = write('unknown.json', resultFile(test('[core 195] a'), test('[classic 1] b')));
    const { status, stderr, lastLines } = run(file);
    expect(status).toBe(1);
    expect(stderr).toContain('there is no check core 195: suite > [core 195] a');
    expect(lastLines).toEqual(counts(1, 0));
  });

  it('ends with 1 and says how to make results when there are none', () => {
    const { status, stderr } = run(join(folder, 'none.json'));
    expect(status).toBe(1);
    expect(stderr).toContain('none.json');
    expect(stderr).toContain('npm test');
  });

  it('ends with 1 on a file that holds no results', () => {
    const { status, stderr } = run(write('other.json', { name: 'something else' }));
    expect(status).toBe(1);
    expect(stderr).toContain('other.json is no result file');
  });
});
