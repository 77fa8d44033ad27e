import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

import type { CoreHubOptions } from '../../lib/common/core-options.js';
import { errorMessages } from '../../lib/common/errors.js';
import { resolveHandlerOptions } from '../../lib/connection-handlers/connection-handler-options.js';
import { resolveOptions } from '../../lib/common/option-defaults.js';
import { redisDefaults } from '../../lib/redis/redis-backplane.options.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const read = (page: string): string => readFileSync(join(root, page), 'utf8');

/** Where a heading can be linked to. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');

const anchorsOf = (page: string): string[] =>
  [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchor(heading as string));

/** The cells of the row of an option or code. */
function row(text: string, name: string): string[] | undefined {
  const line = text
    .split('\n')
    .find((each) => each.startsWith('|') && each.split('|')[1]?.includes(`\`${name}\``));
  return line?.split('|').map((cell) => cell.trim());
}

/** What stands below a heading of the second level that begins so. */
const section = (page: string, heading: string): string =>
  read(page)
    .split(/^## /m)
    .find((part) => part.startsWith(heading)) ?? '';

/** What is wrong with the row of an option. Defaults that depend on something are told in words. */
function complaint(text: string, name: string, value: unknown): string | undefined {
  const cells = row(text, name);
  if (cells === undefined) {
    return `${name} has no row`;
  }
  const written = (cells[2] as string).replaceAll('`', '');
  const isPlain = typeof value === 'number' || typeof value === 'boolean';
  return isPlain && /^(?:\d+|true|false)$/.test(written) && written !== String(value)
    ? `${name} is ${String(value)} by default, not ${written}`
    : undefined;
}

describe('the documentation', () => {
  const options = resolveOptions({ cors: { origins: '*' } });
  const { core, classic, outbox, relay, limits, cors, ...server } = options;
  const handler = resolveHandlerOptions({ ...(core as CoreHubOptions), outbox }, {}, '/path');
  const ownOptions = Object.entries(handler).filter(([name]) => !(name in (core as object)));
  const groups: readonly (readonly [string, object])[] = [
    [
      'The server',
      { ...server, pipeline: [], validationError: [], backplane: [], hubProtocols: [], metrics: [] },
    ],
    ['`core`', core as object],
    ['`classic`', classic as object],
    ['`@ConnectionHandler`', Object.fromEntries(ownOptions)],
    ['`multiplex`', { path: '', hubs: null }],
    ['`outbox`', outbox],
    ['`relay`', relay],
    ['`limits`', limits],
    ['`cors`', cors as object],
  ];

  test.each(groups)('has a row for every option of %s, with its default', (heading, group) => {
    const text = section('docs/options.md', heading);
    const complaints = Object.entries(group).map(([name, value]) => complaint(text, name, value));
    expect(complaints.filter((each) => each !== undefined)).toEqual([]);
  });

  test('has a row for every option of the Redis backplane, with its default', () => {
    const text = section('docs/scale-out.md', 'Options');
    const complaints = Object.entries(redisDefaults).map(([name, value]) => complaint(text, name, value));
    expect(complaints.filter((each) => each !== undefined)).toEqual([]);
  });

  test('explains every error code', () => {
    const missing = Object.keys(errorMessages).filter(
      (code) => row(read('docs/errors.md'), code) === undefined,
    );
    expect(missing).toEqual([]);
  });

  test.each(pages)('has no broken links in %s', (page) => {
    const broken = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link]) => link as string)
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [file = '', fragment] = link.split('#');
        const target = file === '' ? page : join(dirname(page), file);
        return (
          !existsSync(join(root, target)) ||
          (fragment !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(fragment))
        );
      });
    expect(broken).toEqual([]);
  });

  test('names every page in the README', () => {
    const readme = read('README.md');
    expect(pages.filter((page) => page.startsWith('docs/') && !readme.includes(`(${page})`))).toEqual([]);
  });
});
