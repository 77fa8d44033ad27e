import { isUnacknowledged, SignalRError } from '../common/errors.js';
import type { Backplane } from '../messaging/backplane.js';
import { groupTopic, userTopic } from '../messaging/topics.js';
import { GroupManager } from './group-manager.js';

/**
 * Groups of a hub: as the original has them for connections, and besides that for users, with all connections that they
 * have and will have.
 *
 * @publicApi
 */
export class HubGroupManager extends GroupManager {
  /** @internal */
  constructor(
    private readonly hub: string,
    backplane: Backplane,
    timeout: number,
  ) {
    super((group) => groupTopic(hub, group), backplane, timeout);
  }

  /**
   * Adds a user to a group: all connections of the user now, and every one that comes later, until {@link removeUser}.
   * Kept by the backplane; the embedded one forgets it with the process.
   */
  async addUser(userId: string, group: string): Promise<void> {
    const user = this.topicOfUser(userId);
    await this.backplane.directory.addUserGroup(user, this.topicOf(group));
    await this.forEachConnection('addToGroup', userId, group);
  }

  /** Removes a user from a group, with all connections, also those that were added one by one. */
  async removeUser(userId: string, group: string): Promise<void> {
    await this.backplane.directory.removeUserGroup(this.topicOfUser(userId), this.topicOf(group));
    await this.forEachConnection('removeFromGroup', userId, group);
  }

  private topicOfUser(userId: string): string {
    if (typeof userId !== 'string' || userId === '') {
      throw SignalRError.of('SIGNALR_ARGUMENT_EMPTY');
    }
    return userTopic(this.hub, userId);
  }

  private async forEachConnection(
    type: 'addToGroup' | 'removeFromGroup',
    userId: string,
    group: string,
  ): Promise<void> {
    const present = await this.backplane.directory.list({ hub: this.hub, userId });
    await Promise.all(
      present.map(({ connectionId }) => this.command(type, connectionId, group).catch(ignoreGone)),
    );
  }
}

/** A connection that has gone since it was listed is in no group any more. */
export function ignoreGone(error: unknown): void {
  if (!isUnacknowledged(error)) {
    throw error;
  }
}
