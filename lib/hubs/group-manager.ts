import { SignalRError } from '../common/errors.js';
import type { Backplane } from '../messaging/backplane.js';
import type { Topic } from '../messaging/topics.js';

/**
 * Adds connections to groups. Names are any strings, compared exactly; groups need no creation and end with
 * their last member (signalr-2 §7.3).
 *
 * @publicApi
 */
export class GroupManager {
  /** @internal */
  constructor(
    protected readonly topicOf: (group: string) => Topic,
    protected readonly backplane: Backplane,
    private readonly timeout: number,
  ) {}

  /**
   * Adds a connection to a group; adding it twice is harmless. Once this has resolved, a message to the group reaches
   * the connection, on whatever node it is.
   *
   * @throws SignalRError SIGNALR_ACK_TIMEOUT after `groupTimeout` if nobody owns the connection.
   */
  add(connectionId: string, group: string): Promise<void> {
    return this.command('addToGroup', connectionId, group);
  }

  /** Removes a connection from a group; removing one that is no member is harmless. Fails like {@link add}. */
  remove(connectionId: string, group: string): Promise<void> {
    return this.command('removeFromGroup', connectionId, group);
  }

  protected async command(
    type: 'addToGroup' | 'removeFromGroup',
    connectionId: string,
    group: string,
  ): Promise<void> {
    if (typeof connectionId !== 'string' || connectionId === '' || typeof group !== 'string') {
      throw SignalRError.of('SIGNALR_ARGUMENT_EMPTY');
    }
    await this.backplane.command({ type, connectionId, topic: this.topicOf(group) }, this.timeout);
  }
}
