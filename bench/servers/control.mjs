import { createInterface } from 'node:readline';

/** @typedef {import('node:net').AddressInfo} AddressInfo */

/**
 * Tells the runner where this server listens and obeys its commands until standard input ends.
 *
 * Out, first line: `PORT 40123`. In, one JSON object per line:
 * - `{"do":"usage"}` is answered by one line with the CPU time and memory this process has used so far; with
 *   `"collect":true` garbage is collected before, if the process was started with `--expose-gc`;
 * - `{"do":"broadcast","texts":["…"]}` sends each text to every connection, all in one turn of the event loop. There
 *   is no answer: the deliveries are the answer;
 * - `{"do":"groups","texts":["…"],"connections":1000}` sends each text to every group of the last so many connections;
 * - `{"do":"group","texts":["…"],"name":"node-1"}` sends each text to that group.
 *
 * @param {import('node:http').Server} http listening
 * @param {{ broadcast: (texts: string[]) => unknown, groups?: (texts: string[], names: string[]) => unknown }} commands
 */
export function serve(http, { broadcast, groups }) {
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const command = JSON.parse(line);
      switch (command.do) {
        case 'usage':
          process.stdout.write(`${JSON.stringify(usage(command.collect))}\n`);
          break;
        case 'broadcast':
          broadcast(command.texts);
          break;
        case 'groups':
          groups?.(command.texts, latestGroups(command.connections));
          break;
        case 'group':
          groups?.(command.texts, [command.name]);
          break;
        default:
          throw new Error(`unknown command ${line}`);
      }
    })
    .on('close', () => process.exit(0));
  const { port } = /** @type {AddressInfo} */ (http.address());
  process.stdout.write(`PORT ${port}\n`);
}

const groupSize = 10;
let grouped = 0;

/** The value of an argument `name=value` of this process. @param {string} name @returns {string | undefined} */
export function setting(name) {
  return process.argv.find((argument) => argument.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** The group that all connections of this process share, if it is told one: `group=node-1`. */
const ownGroup = setting('group');

/** True if each connection is to be put into a group: `groups` for one of its own ten. */
export const usesGroups = process.argv.includes('groups') || ownGroup !== undefined;

/** The group of the next connection. Ten that come one after another share one, if not all of them do. */
export function nextGroup() {
  return ownGroup ?? groupName(Math.floor(grouped++ / groupSize));
}

/** @param {number} connections */
function latestGroups(connections) {
  const end = grouped / groupSize;
  return Array.from({ length: connections / groupSize }, (_, i) => groupName(end - 1 - i));
}

/** @param {number} number */
function groupName(number) {
  return `group-${number}`;
}

/** @param {boolean} [collect] */
function usage(collect) {
  if (collect === true) {
    globalThis.gc?.();
  }
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return { user, system, rss, heapUsed };
}
