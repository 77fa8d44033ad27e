/**
 * Where a message is published: everything that a connection can be subscribed to has one name. Hub names contain no
 * dot, so what stands behind the first dot is the group or user, whatever characters it has (signalr-2 §5.5, §11.12).
 */
export type Topic = string;

const GROUP_PREFIX = 'g-';

/** Every connection of a hub. */
export const hubTopic = (hub: string): Topic => `h-${hub}`;

/** The members of a group; the same group name in two hubs is two groups. */
export const groupTopic = (hub: string, group: string): Topic => `${GROUP_PREFIX}${hub}.${group}`;

/** The connections of a user in a hub. */
export const userTopic = (hub: string, userId: string): Topic => `u-${hub}.${userId}`;

/** One connection. */
export const connectionTopic = (connectionId: string): Topic => `c-${connectionId}`;

/** The name of a group with its hub in front, as it stands in the groups token of classic clients. */
export const qualifiedGroup = (topic: Topic): string => topic.slice(GROUP_PREFIX.length);
