import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A sample that runs in a process of its own. */
export interface RunningSample {
  /** The address that it printed. */
  readonly url: string;
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
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /^Open (http:\S+)/.exec(line) ?? [];
    if (url !== undefined) {
      // What it prints from now on is read by nobody, and must not hold it up.
      child.stdout.resume();
      return { url, stop: () => child.kill() };
    }
  }
  throw new Error(`sample ${name} ended before it printed its address`);
}
