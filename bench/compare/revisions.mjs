import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { table } from '../runner/report.mjs';
import { median } from '../runner/statistics.mjs';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const hotPaths = fileURLToPath(new URL('hot-paths.mjs', import.meta.url));
const rounds = 5;

/**
 * Builds another revision in a folder of its own, measures the hot paths of both in turn, and prints the ratios. Below 1, this one
 * is cheaper.
 *
 * @param {string} revision of git
 * @param {import('../runner/cores.mjs').Cores} cores
 * @returns {Promise<number>} the exit code
 */
export async function compareWith(revision, cores) {
  const folder = join(mkdtempSync(join(tmpdir(), 'nestjs-signalr-')), 'other');
  git('worktree', 'add', '--detach', folder, revision);
  try {
    symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
    execFileSync('npm', ['run', '--silent', 'build'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const measured = { old: [], new: [] };
    for (let round = 0; round < rounds; round++) {
      console.error(`round ${round + 1} of ${rounds} …`);
      measured.old.push(measure(join(folder, 'dist'), cores));
      measured.new.push(measure(join(repository, 'dist'), cores));
    }
    console.log(table(['', `${revision}, ns`, 'this, ns', 'ratio'], rowsOf(measured)));
    return 0;
  } finally {
    git('worktree', 'remove', '--force', folder);
    rmSync(join(folder, '..'), { recursive: true, force: true });
  }
}

/** @param {string[]} args */
function git(...args) {
  execFileSync('git', args, { cwd: repository, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** @param {string} build @param {import('../runner/cores.mjs').Cores} cores @returns {Record<string, number>} */
function measure(build, cores) {
  const [program, ...args] = cores.onServerCore([process.execPath, hotPaths, build]);
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`the hot paths of ${build} could not be measured\n${stderr}`);
  }
  return JSON.parse(stdout);
}

/** @param {{ old: Record<string, number>[], new: Record<string, number>[] }} measured */
function rowsOf(measured) {
  return Object.keys(measured.new[0]).map((name) => {
    const [before, after] = [measured.old, measured.new].map((all) => all.map((costs) => costs[name]));
    const ratio = median(after.map((cost, round) => cost / before[round]));
    return [name, median(before).toFixed(0), median(after).toFixed(0), ratio.toFixed(2)];
  });
}
