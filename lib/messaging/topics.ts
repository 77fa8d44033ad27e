import type { ConnectionQuery } from './connection-directory.js';

/**
 * Where a message is published: everything that a connection can be subscribed to has one name. Hub names contain no
 * dot, so what stands behind the first dot is the group or user, whatever characters it has (signalr-2 §5.5, §11.12).
 */
export type Topic = string;

const GROUP_PREFIX = 'g-';
const RAW_GROUP_PREFIX = 'q-';
const CONNECTION_PREFIX = 'c-';

/** Every connection of a hub. */
export const hubTopic = (hub: string): Topic => `h-${hub}`;

/** The members of a group; the same group name in two hubs is two groups. */
export const groupTopic = (hub: string, group: string): Topic => `${GROUP_PREFIX}${hub}.${group}`;

/** The connections of a user in a hub. */
export const userTopic = (hub: string, userId: string): Topic => `u-${hub}.${userId}`;

/** What the clients of some hubs are subscribed to from the beginning, besides their own topics. */
export function topicsOfHubs(hubs: readonly string[], userId: string | undefined): Topic[] {
  const topics = hubs.map((hub) => hubTopic(hub));
  return userId === undefined || userId === ''
    ? topics
    : [...topics, ...hubs.map((hub) => userTopic(hub, userId))];
}

/** One connection. */
export const connectionTopic = (connectionId: string): Topic => `${CONNECTION_PREFIX}${connectionId}`;

/** Every client of a persistent connection. */
export const rawTopic = (name: string): Topic => `p-${name}`;

/** The members of a group of a persistent connection. */
export const rawGroupTopic = (name: string, group: string): Topic => `${RAW_GROUP_PREFIX}${name}.${group}`;

/** The connections that a topic of a hub reaches, as the directory is asked for them. */
export function queryOf(topic: Topic, hub: string): ConnectionQuery {
  const user = userTopic(hub, '');
  if (topic.startsWith(user)) {
    return { hub, userId: topic.slice(user.length) };
  }
  return topic === hubTopic(hub) ? { hub } : { hub, groupTopic: topic };
}

/** The connection that a topic stands for; undefined if it stands for more. */
export function connectionOf(topic: Topic): string | undefined {
  return topic.startsWith(CONNECTION_PREFIX) ? topic.slice(CONNECTION_PREFIX.length) : undefined;
}

/** The name of a group with its hub or persistent connection in front, as it stands in groups tokens. */
export const qualifiedGroup = (topic: Topic): string => topic.slice(GROUP_PREFIX.length);
