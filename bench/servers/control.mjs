import { createInterface } from 'node:readline';

/** @typedef {import('node:net').AddressInfo} AddressInfo */

/**
 * Tells the runner where this server listens and obeys its commands until standard input ends.
 *
 * Out, first line: `PORT 40123`. In, one JSON object per line:
 * - `{"do":"usage"}` is answered by one line with the CPU time and memory this process has used so far;
 * - `{"do":"broadcast","texts":["…"]}` sends each text to every connection, all in one turn of the event loop. There
 *   is no answer: the deliveries are the answer.
 *
 * @param {import('node:http').Server} http listening
 * @param {(texts: string[]) => unknown} broadcast
 */
export function serve(http, broadcast) {
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const command = JSON.parse(line);
      switch (command.do) {
        case 'usage':
          process.stdout.write(`${JSON.stringify(usage())}\n`);
          break;
        case 'broadcast':
          broadcast(command.texts);
          break;
        default:
          throw new Error(`unknown command ${line}`);
      }
    })
    .on('close', () => process.exit(0));
  const { port } = /** @type {AddressInfo} */ (http.address());
  process.stdout.write(`PORT ${port}\n`);
}

function usage() {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return { user, system, rss, heapUsed };
}
