import { spawnSync } from 'node:child_process';

/**
 * @typedef {object} Cores
 * @property {boolean} pinned
 * @property {(command: string[]) => string[]} onServerCore the command that runs `command` there
 */

/**
 * Keeps this process, which makes the load, on one core, so that servers can have another to themselves.
 *
 * @returns {Cores}
 */
export function separateCores() {
  const [serverCore, loadCore] = allowedCores();
  if (loadCore === undefined) {
    return { pinned: false, onServerCore: (command) => command };
  }
  spawnSync('taskset', ['-a', '-c', '-p', `${loadCore}`, `${process.pid}`]);
  return { pinned: true, onServerCore: (command) => ['taskset', '-c', `${serverCore}`, ...command] };
}

/** Empty where there is no `taskset`. */
function allowedCores() {
  const { status, stdout } = spawnSync('taskset', ['-c', '-p', `${process.pid}`], { encoding: 'utf8' });
  if (status !== 0) {
    return [];
  }
  // "pid 4711's current affinity list: 0-3,8"
  const list = stdout.slice(stdout.lastIndexOf(':') + 1).trim();
  return list.split(',').flatMap((part) => {
    const [first, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
