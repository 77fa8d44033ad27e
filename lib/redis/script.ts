import { createHash } from 'node:crypto';

import type { CommandConnection } from './redis-connections.js';

/** A Lua script, sent once to each Redis and called by its digest from then on. */
export class Script {
  private readonly digest: string;

  constructor(private readonly source: string) {
    this.digest = createHash('sha1').update(source).digest('hex');
  }

  /** Runs it. Redis forgets scripts when it restarts; then it is sent again. */
  async run(
    connection: CommandConnection,
    keys: readonly [string, ...string[]],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    const rest = [`${keys.length}`, ...keys, ...args.map(String)];
    try {
      return await connection.send(['EVALSHA', this.digest, ...rest]);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) {
        throw error;
      }
      return connection.send(['EVAL', this.source, ...rest]);
    }
  }
}
