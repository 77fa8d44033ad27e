import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import type { BackplaneNode } from '../messaging/backplane.js';
import type { RedisAccess } from './redis-access.js';
import type { RedisDirectory } from './redis-directory.js';

/** How long, in milliseconds, nobody else clears up after a node: if the one that does dies as well, others may. */
const LOCK_DURATION = 30_000;

/** Clears up what nodes have left behind that give no sign of life. Of all survivors one does it. */
export class Reaper {
  private readonly trace = traceSource('SignalR.MessageBus');

  constructor(
    private readonly node: BackplaneNode,
    private readonly redis: RedisAccess,
    private readonly directory: RedisDirectory,
  ) {}

  async reap(nodeIds: readonly string[]): Promise<void> {
    if (this.node.servesClients === false) {
      return;
    }
    try {
      for (const nodeId of nodeIds) {
        await this.reapOne(nodeId);
      }
    } catch (error) {
      // It is tried again, here or elsewhere: the node is still on the list.
      this.trace.debug(`a node could not be cleared up after: ${toError(error).message}`);
    }
  }

  private async reapOne(nodeId: string): Promise<void> {
    const { keys } = this.redis;
    const lock = keys.reaping(nodeId);
    if ((await this.redis.send(['SET', lock, this.node.id, 'NX', 'PX', `${LOCK_DURATION}`])) === null) {
      return;
    }
    let count = 0;
    for (let entries = await this.directory.reap(nodeId); entries.length > 0;) {
      count += entries.length;
      entries.forEach((entry) => this.node.orphaned?.(entry));
      entries = await this.directory.reap(nodeId);
    }
    await this.redis.send(['SREM', keys.nodes, nodeId]);
    await this.redis.send(['DEL', lock]);
    this.trace.warn(`node ${nodeId} gives no sign of life: ${count} connection(s) of it are gone`);
  }
}
