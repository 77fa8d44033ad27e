import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A small library in order: each file with what it imports. */
const sound: Record<string, string[]> = {
  'lib/index.ts': ['./nest/module.js', './hubs/hub.js'],
  'lib/nest/module.ts': ['./options.js', '../protocols/classic/session.js', '../common/errors.js'],
  'lib/nest/options.ts': ['type:../transports/channel.js', 'node:http'],
  'lib/decorators/hub.ts': ['../hubs/hub.js'],
  'lib/protocols/classic/session.ts': ['./codec.js', '../../invocation/invoker.js'],
  'lib/protocols/classic/codec.ts': [],
  'lib/invocation/invoker.ts': ['../hubs/hub.js'],
  'lib/hubs/hub.ts': ['../connections/connection.js'],
  'lib/connections/connection.ts': ['../messaging/envelope.js'],
  'lib/messaging/envelope.ts': ['../transports/channel.js'],
  'lib/transports/channel.ts': ['../common/errors.js'],
  'lib/common/errors.ts': [],
  'lib/common/circle.ts': ['./circle-back.js'],
  'lib/redis/backplane.ts': ['./keys.js', '../messaging/envelope.js'],
  'lib/redis/keys.ts': [],
  'lib/testing/client.ts': ['../nest/module.js', '../hubs/hub.js'],
  'lib/health/indicator.ts': ['../nest/module.js', '../hubs/hub.js'],
  'lib/misc/thing.ts': [],
  'bench/load.ts': [],
};

/** One import against each rule: rule, file, what it imports (`type:` is erased by the compiler), what that is. */
const broken = [
  ['nest-imports-downwards', 'lib/nest/a.ts', '../index.js', 'lib/index.ts'],
  ['decorators-imports-downwards', 'lib/decorators/a.ts', '../nest/module.js', 'lib/nest/module.ts'],
  ['protocols-imports-downwards', 'lib/protocols/a.ts', '../decorators/hub.js', 'lib/decorators/hub.ts'],
  [
    'invocation-imports-downwards',
    'lib/invocation/a.ts',
    '../protocols/classic/codec.js',
    'lib/protocols/classic/codec.ts',
  ],
  ['hubs-imports-downwards', 'lib/hubs/a.ts', '../invocation/invoker.js', 'lib/invocation/invoker.ts'],
  ['connections-imports-downwards', 'lib/connections/a.ts', 'type:../hubs/hub.js', 'lib/hubs/hub.ts'],
  [
    'messaging-imports-downwards',
    'lib/messaging/a.ts',
    '../connections/connection.js',
    'lib/connections/connection.ts',
  ],
  [
    'transports-imports-downwards',
    'lib/transports/a.ts',
    '../messaging/envelope.js',
    'lib/messaging/envelope.ts',
  ],
  ['common-imports-downwards', 'lib/common/a.ts', '../transports/channel.js', 'lib/transports/channel.ts'],
  ['common-imports-downwards', 'lib/common/b.ts', 'nestjs-signalr', 'lib/index.ts'],
  [
    'protocols-do-not-know-each-other',
    'lib/protocols/core/a.ts',
    '../classic/codec.js',
    'lib/protocols/classic/codec.ts',
  ],
  [
    'protocols-do-not-know-each-other',
    'lib/protocols/classic/a.ts',
    'type:../core/a.js',
    'lib/protocols/core/a.ts',
  ],
  ['plugins-stay-below-nest', 'lib/redis/a.ts', '../nest/options.js', 'lib/nest/options.ts'],
  ['applications-plugins-stay-below-the-entry', 'lib/testing/a.ts', '../index.js', 'lib/index.ts'],
  ['nobody-knows-plugins', 'lib/nest/b.ts', '../redis/keys.js', 'lib/redis/keys.ts'],
  ['nobody-knows-plugins', 'lib/nest/d.ts', '../testing/client.js', 'lib/testing/client.ts'],
  ['nobody-knows-plugins', 'lib/health/a.ts', '../redis/keys.js', 'lib/redis/keys.ts'],
  ['every-file-has-a-layer', 'lib/common/c.ts', '../misc/thing.js', 'lib/misc/thing.ts'],
  ['library-stands-alone', 'lib/common/d.ts', '../../bench/load.js', 'bench/load.ts'],
  ['every-import-is-found', 'lib/common/e.ts', './nowhere.js', './nowhere.js'],
  ['no-circles', 'lib/common/circle-back.ts', 'type:./circle.js', 'lib/common/circle.ts'],
] as const;

interface Violation {
  rule: { name: string };
  from: string;
  to: string;
}

describe('the layer rules', () => {
  let folder: string;
  let violations: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'layers-'));
    const files = [
      ...Object.entries(sound),
      ...broken.map(([, path, imported]) => [path, [imported]] as const),
    ];
    for (const [path, imports] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), source(imports));
    }
    const paths = { 'nestjs-signalr': ['./lib/index.ts'] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { paths } }));
    violations = await findViolations(folder);
  }, 30_000);

  afterAll(() => rm(folder, { recursive: true }));

  it.each(broken)('%s: %s must not import %s', (rule, from, _, to) => {
    expect(violations).toContain(`${rule}: ${from} -> ${to}`);
  });

  it('let everything else pass', () => {
    expect(violations).toHaveLength(broken.length);
  });
});

function source(imports: readonly string[]): string {
  const lines = imports.map((path, index) =>
    path.startsWith('type:')
      ? `import type * as import${index} from '${path.slice('type:'.length)}';`
      : `import * as import${index} from '${path}';`,
  );
  return `${lines.join('\n')}\nexport {};\n`;
}

async function findViolations(folder: string): Promise<string[]> {
  const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const config = join(root, '.dependency-cruiser.cjs');
  const output = await new Promise<string>((resolve) => {
    // Violations make the program end with their number; what it prints is the result in any case.
    execFile(
      process.execPath,
      [program, '--config', config, '--output-type', 'json', 'lib'],
      { cwd: folder, maxBuffer: 2 ** 24 },
      (_, stdout, stderr) => resolve(stdout || stderr),
    );
  });
  const { summary } = JSON.parse(output) as { summary: { violations: Violation[] } };
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`);
}
