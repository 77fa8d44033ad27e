import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A sample that runs in a process of its own. */
export interface RunningSample {
  /** The address that it printed. */
  readonly url: string;
  /** Every line that it has printed so far. */
  readonly log: readonly string[];
  stop(): void;
}

/**
 * Starts a compiled sample (`npm run build && npm run build:samples`) on a free port.
 *
 * @param name folder of the sample, such as `01-chat`.
 */
export async function startSample(name: string, env: Record<string, string> = {}): Promise<RunningSample> {
  const child = spawn(process.execPath, [`sample/${name}/dist/main.js`], {
    cwd: root,
    env: { ...process.env, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const log: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout })
      .on('line', (line) => {
        log.push(line);
        const [, address] = /^Open (http:\S+)/.exec(line) ?? [];
        if (address !== undefined) {
          resolve(address);
        }
      })
      .on('close', () => reject(new Error(`sample ${name} ended before it printed its address`)));
  });
  return { url, log, stop: () => child.kill() };
}
