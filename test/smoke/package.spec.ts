import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { HubConnectionBuilder, LogLevel } from '@microsoft/signalr';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What the README tells a user to install, besides this package; optional peers are left out on purpose. */
const applicationPackages = [
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/platform-express',
  '@nestjs/platform-ws',
  '@nestjs/websockets',
  '@types/node',
  'reflect-metadata',
  'rxjs',
  'typescript',
];

describe('the packed package', () => {
  let folder: string;
  let tarball: string;
  let packed: string[];

  beforeAll(async () => {
    if (!existsSync(join(root, 'dist/index.js'))) {
      throw new Error('dist/ is missing: run `npm run build` first');
    }
    folder = await mkdtemp(join(tmpdir(), 'nestjs-signalr-'));
    const [report] = JSON.parse(await run(root, 'npm', 'pack', '--json', '--pack-destination', folder)) as [
      { filename: string; files: { path: string }[] },
    ];
    tarball = join(folder, report.filename);
    packed = report.files.map(({ path }) => path);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('holds the compiled library and its papers, nothing else', () => {
    const papers = ['LICENSE', 'README.md', 'package.json'];
    expect(packed).toEqual(expect.arrayContaining([...papers, 'dist/index.js', 'dist/index.d.ts']));
    expect(packed.filter((path) => !path.startsWith('dist/') && !papers.includes(path))).toEqual([]);
    expect(packed.filter((path) => /\.spec\.|\.tsbuildinfo$/.test(path))).toEqual([]);
  });

  it('is correct for publint', async () => {
    expect(await run(root, tool('publint'), 'run', tarball, '--strict')).toContain('All good!');
  });

  it('has types that every module resolution of an ESM package finds', async () => {
    const report = await run(root, tool('attw'), tarball, '--profile', 'esm-only', '--format', 'ascii');
    // It fails for problems by itself; this makes sure that it looked at each entry point.
    const entries = report.split(/^\*+$/m).filter((part) => /^"nestjs-signalr(?:\/\w+)?"$/m.test(part));
    expect(entries.map((part) => /"(.+)"/.exec(part)?.[1])).toEqual([
      'nestjs-signalr',
      'nestjs-signalr/client',
      'nestjs-signalr/health',
      'nestjs-signalr/msgpack',
      'nestjs-signalr/redis',
      'nestjs-signalr/telemetry',
      'nestjs-signalr/testing',
      'nestjs-signalr/throttler',
    ]);
    for (const entry of entries) {
      expect(entry).toMatch(/node16 \(from ESM\): 🟢/);
      expect(entry).toMatch(/bundler: 🟢/);
    }
  });

  describe('in a new application made from the README', () => {
    const applications: ChildProcess[] = [];

    beforeAll(async () => {
      const { devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
        devDependencies: Record<string, string>;
      };
      const versions = applicationPackages.map((name) => [name, devDependencies[name]]);
      const dependencies = { ...Object.fromEntries(versions), 'nestjs-signalr': `file:${tarball}` };
      await writeJson(join(folder, 'package.json'), { private: true, dependencies });
      await run(folder, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund');
      await writeFile(join(folder, 'announce-port.mjs'), announcePort);
    });
    afterEach(() => {
      for (const application of applications.splice(0)) {
        application.kill('SIGKILL');
      }
    });

    it.each([
      ['ES modules load it with import', 'module', /^import .* from 'nestjs-signalr';$/m],
      ['CommonJS modules load it with require', 'commonjs', /require\("nestjs-signalr"\)/],
    ])('%s, and a real client can call it', async (_, type, load) => {
      const application = join(folder, type);
      await writeApplication(application, type);
      await run(application, process.execPath, join(folder, 'node_modules/typescript/bin/tsc'), '-p', '.');
      expect(await readFile(join(application, 'dist/chat.hub.js'), 'utf8')).toMatch(load);

      const port = await start(application);
      expect(await callThroughClient(port)).toEqual(['Ada', 'hello']);
    });

    it('the command writes the proxy that the application serves, without starting it', async () => {
      const application = join(folder, 'module');
      const script = join(application, 'proxies.js');
      const command = join(folder, 'node_modules/.bin/nestjs-signalr');
      await run(application, command, 'proxies', 'dist/app.module.js', '--output', script);
      const port = await start(application);
      const served = await fetch(`http://127.0.0.1:${port}/signalr/hubs`);
      expect(await readFile(script, 'utf8')).toBe(await served.text());

      const moved = await run(application, command, 'proxies', 'dist/app.module.js', '--url', '/moved');
      expect(moved).toContain('$.hubConnection("/moved"');
      await expect(
        run(application, command, 'proxies', 'dist/app.module.js', '--module', 'Nope'),
      ).rejects.toThrow(`dist/app.module.js exports no module 'Nope'.`);
      await expect(run(application, command, 'proxies')).rejects.toThrow('Usage: nestjs-signalr proxies');
    });

    /** Starts the compiled application and waits until it listens. */
    async function start(application: string): Promise<number> {
      const child = fork(join(application, 'dist/main.js'), {
        cwd: application,
        env: { ...process.env, PORT: '0' },
        execArgv: ['--import', join(folder, 'announce-port.mjs')],
        silent: true,
      });
      applications.push(child);
      let output = '';
      child.stdout?.on('data', (text) => (output += text));
      child.stderr?.on('data', (text) => (output += text));
      const ended = once(child, 'exit').then(([code]) => {
        throw new Error(`the application ended with ${code} before it listened:\n${output}`);
      });
      const [port] = (await Promise.race([once(child, 'message'), ended])) as [number];
      ended.catch(() => {});
      return port;
    }
  });
});

/** Loaded before the application: with port 0 the system picks one, and this tells which. */
const announcePort = `
import { Server } from 'node:net';
const { listen } = Server.prototype;
Server.prototype.listen = function (...args) {
  this.once('listening', () => process.send(this.address().port));
  return listen.apply(this, args);
};
`;

/** Calls the README's hub the way its page would: one method, and a call back to everybody. */
async function callThroughClient(port: number): Promise<unknown[]> {
  const connection = new HubConnectionBuilder()
    .withUrl(`http://127.0.0.1:${port}/signalr/chatHub`)
    .configureLogging(LogLevel.None)
    .build();
  const message = new Promise<unknown[]>((resolve) => {
    connection.on('addNewMessageToPage', (...args: unknown[]) => resolve(args));
  });
  await connection.start();
  try {
    await connection.invoke('send', 'Ada', 'hello');
    return await message;
  } finally {
    await connection.stop();
  }
}

/** Writes the files of the README's quick start, word for word, as an application of this module type. */
async function writeApplication(folder: string, type: string): Promise<void> {
  const files = quickStart(await readFile(join(root, 'README.md'), 'utf8'));
  expect(files.keys(), 'files of the quick start').toContain('src/main.ts');
  expect([...files.values()].join(), 'code of the quick start').toContain('@Hub');
  for (const [path, code] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), code);
  }
  await writeJson(join(folder, 'package.json'), { private: true, type });
  await writeJson(join(folder, 'tsconfig.json'), {
    compilerOptions: {
      target: 'ES2023',
      module: 'nodenext',
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      strict: true,
      skipLibCheck: false,
      types: ['node'],
      rootDir: 'src',
      outDir: 'dist',
    },
    include: ['src'],
  });
}

/** The TypeScript blocks under "## Quick start" whose first line names a file. */
function quickStart(readme: string): Map<string, string> {
  const section = /^## Quick start$([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(readme)?.[1] ?? '';
  const blocks = section.matchAll(/^```ts\n\/\/ (src\/\S+\.ts)\n([\s\S]*?)^```$/gm);
  return new Map([...blocks].map(([, path, code]) => [path!, code!]));
}

/** Runs a program to its end; one that fails is an error with all it printed. */
async function run(cwd: string, program: string, ...args: string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, { cwd, maxBuffer: 2 ** 24 });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}

function tool(name: string): string {
  return join(root, 'node_modules/.bin', name);
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify(value, null, 2));
}
