import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a process tells the one that started it, once it does its work. */
export interface Ready {
  /** Where it listens, if it does. */
  readonly port?: number;
}

/** A program of this sample in a process of its own. */
export class AppProcess {
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<unknown>;
  #port: number | undefined;

  private constructor(private readonly child: ChildProcess) {
    this.ended = once(child, 'exit');
  }

  /** Resolves when the process is ready; rejects if it ends before. */
  static async start(program: 'node' | 'sender', env: Record<string, string>): Promise<AppProcess> {
    const path = fileURLToPath(new URL(`../${program}/main.js`, import.meta.url));
    const process = new AppProcess(fork(path, { env: { ...globalThis.process.env, ...env } }));
    const message = once(process.child, 'message');
    const ready = await Promise.race([message, process.ended.then(() => undefined)]);
    if (ready === undefined) {
      throw new Error(`${program} ended before it was ready.`);
    }
    process.#port = (ready[0] as Ready).port;
    return process;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get port(): number | undefined {
    return this.#port;
  }

  /** Lets the process finish what it does. */
  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.ended;
  }

  /** What `kill -9` does, or a power cut: the process learns nothing of it. */
  kill(): void {
    this.child.kill('SIGKILL');
  }
}

/** For the program itself: says that it is ready, and resolves when it should end, or has nobody who would tell it. */
export async function untilStopped(ready: Ready = {}): Promise<void> {
  // Ctrl-C reaches the whole process group: the first process stops the others, one must not go before.
  process.on('SIGINT', () => {});
  const stopped = new Promise<void>((resolve) => {
    process.on('SIGTERM', () => resolve());
    process.on('disconnect', resolve);
  });
  if (process.connected) {
    process.send?.(ready);
    await stopped;
  }
}
