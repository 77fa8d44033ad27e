import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { build, environment } from '../build.js';

/** A running ASP.NET Core SignalR server with the hubs of `core-server/`. */
export class CoreServer {
  private constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    readonly url: string,
  ) {}

  /** Builds it if need be and starts it on a free port. */
  static async launch(): Promise<CoreServer> {
    const child = spawn('dotnet', [await build('core-server')], { env: environment });
    let errorOutput = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errorOutput += text));
    const ended = once(child, 'close').then(() => {
      throw new Error(`the ASP.NET Core server ended:\n${errorOutput}`);
    });
    ended.catch(() => undefined);
    const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), ended])) as [string];
    return new CoreServer(child, (JSON.parse(line) as { url: string }).url);
  }

  async close(): Promise<void> {
    const closed = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await closed;
  }
}
