import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The Redis that all processes of the sample share. */
export interface RunningRedis {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts `redis-server` on a free port with a folder of its own, or takes the one that is there.
 *
 * @param url of a Redis that runs already; it is left as it is.
 */
export async function startRedis(url: string | undefined): Promise<RunningRedis> {
  if (url !== undefined) {
    return { url, stop: async () => {} };
  }
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'scale-out-'));
  const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  // In a process group of its own, since Ctrl-C reaches the whole group and the nodes still need it to leave.
  const server = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const ended = once(server, 'close');
  try {
    await whenReady(server.stdout);
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }

  async function whenReady(output: NodeJS.ReadableStream): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      server.on('error', (cause) =>
        reject(new Error('This sample needs redis-server in the PATH, or REDIS_URL.', { cause })),
      );
      createInterface({ input: output })
        .on('line', (line) => line.includes('Ready to accept connections') && resolve())
        .on('close', () => reject(new Error('redis-server ended before it was ready.')));
    });
  }

  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      server.kill();
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
