import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that systems give to outgoing connections, of which tests open thousands a minute. */
const LOWEST = 10_000;
const HIGHEST = 32_000;

/**
 * A port that nobody listens on, for a program that cannot be asked which one it has got, or that has to come back on the same one.
 *
 * @returns {Promise<number>}
 */
export async function freePort() {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    const server = createServer();
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
