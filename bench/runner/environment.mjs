import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

const repository = new URL('../../', import.meta.url);
const packages = [
  'ws',
  'socket.io',
  '@socket.io/redis-streams-adapter',
  'redis',
  '@nestjs/core',
  '@nestjs/platform-ws',
];

/** What a reader must know to judge the numbers. @param {boolean} pinned */
export function environment(pinned) {
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cores: cpus().length,
    serverAndLoadOnDifferentCores: pinned,
    packages: {
      'nestjs-signalr': version('.'),
      ...Object.fromEntries(packages.map((name) => [name, version(`node_modules/${name}`)])),
    },
  };
}

/** @param {ReturnType<typeof environment>} facts */
export function environmentLine({ node, cores, serverAndLoadOnDifferentCores, packages: versions }) {
  const list = Object.entries(versions).map(([name, number]) => `${name} ${number}`);
  const where = serverAndLoadOnDifferentCores
    ? 'server and load on different cores'
    : 'server and load not pinned';
  return `Node ${node}, ${cores} cores, ${where}; ${list.join(', ')}`;
}

/** @param {string} folder of a package @returns {string} */
function version(folder) {
  return JSON.parse(readFileSync(new URL(`${folder}/package.json`, repository), 'utf8')).version;
}
