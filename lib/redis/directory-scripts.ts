import { Script } from './script.js';
import { WIRE_VERSION } from './wire-format.js';

/** How long, in milliseconds, it is remembered that a connection died with its node: longer than a token is fresh. */
const REMEMBERED = 60_000;

/**
 * What all scripts of the directory share. Which keys they use follows from what the entries say, so only what the keys
 * begin with is given; they are all on one node.
 *
 * KEYS: root. ARGV: command to publish with, channel of presence changes.
 */
const SHARED = `
local root = KEYS[1]

local function tell(hub, user, online)
  local change = {v = ${WIRE_VERSION}, hub = hub, userId = user, online = online}
  redis.call(ARGV[1], ARGV[2], cjson.encode(change))
end

local function online(hub, user)
  return root .. 'online:' .. hub .. '.' .. user
end

local function has(list, item)
  for _, each in ipairs(list) do
    if each == item then
      return true
    end
  end
  return false
end

local function hasUser(entry)
  return entry.userId and entry.userId ~= ''
end

local function read(id)
  local text = redis.call('GET', root .. 'entry:' .. id)
  return text and cjson.decode(text)
end

-- True if another node has the connection, and is alive.
local function isTaken(id, node, leases)
  local entry = read(id)
  return entry and entry.nodeId ~= node and redis.call('EXISTS', leases .. entry.nodeId) == 1
end

-- Takes an entry out of the sets in which another one that takes its place does not stand.
local function withdraw(id, entry, successor)
  for _, hub in ipairs(entry.hubs) do
    local isKept = successor and has(successor.hubs, hub)
    if not isKept then
      redis.call('SREM', root .. 'hub:' .. hub, id)
    end
    if hasUser(entry) and not (isKept and successor.userId == entry.userId) then
      if redis.call('SREM', online(hub, entry.userId), id) == 1
        and redis.call('EXISTS', online(hub, entry.userId)) == 0 then
        tell(hub, entry.userId, false)
      end
    end
  end
  if hasUser(entry) and not (successor and successor.userId == entry.userId) then
    redis.call('SREM', root .. 'user:' .. entry.userId, id)
  end
  if not (successor and successor.nodeId == entry.nodeId) then
    redis.call('SREM', root .. 'node:' .. entry.nodeId, id)
  end
end

local function put(id, text)
  local former = read(id)
  local entry = cjson.decode(text)
  redis.call('SET', root .. 'entry:' .. id, text)
  redis.call(entry.isRouteOnly and 'SREM' or 'SADD', root .. 'all', id)
  redis.call('SADD', root .. 'node:' .. entry.nodeId, id)
  if hasUser(entry) then
    redis.call('SADD', root .. 'user:' .. entry.userId, id)
  end
  for _, hub in ipairs(entry.hubs) do
    redis.call('SADD', root .. 'hub:' .. hub, id)
    if hasUser(entry) then
      local isFirst = redis.call('EXISTS', online(hub, entry.userId)) == 0
      redis.call('SADD', online(hub, entry.userId), id)
      if isFirst then
        tell(hub, entry.userId, true)
      end
    end
  end
  if former then
    withdraw(id, former, entry)
  end
end

local function leave(id, group)
  redis.call('SREM', root .. 'group:' .. group, id)
  redis.call('SREM', root .. 'groups:' .. id, group)
end

local function join(id, group)
  redis.call('SADD', root .. 'group:' .. group, id)
  redis.call('SADD', root .. 'groups:' .. id, group)
end

local function drop(id, entry)
  redis.call('DEL', root .. 'entry:' .. id)
  redis.call('SREM', root .. 'all', id)
  withdraw(id, entry, nil)
  for _, group in ipairs(redis.call('SMEMBERS', root .. 'groups:' .. id)) do
    leave(id, group)
  end
end
`;

/**
 * Takes in an entry of a node's own, or one that it hands over, unless yet another node that is alive has it. More ARGV: connection
 * id, entry, the node that says so, what the keys of leases begin with. Returns the node that has it, if that is another one.
 */
export const ADD = new Script(`${SHARED}
local standing = read(ARGV[3])
if isTaken(ARGV[3], ARGV[5], ARGV[6]) and standing.nodeId ~= cjson.decode(ARGV[4]).nodeId then
  return standing.nodeId
end
put(ARGV[3], ARGV[4])
`);

/**
 * Takes in an entry unless a node that is alive has it. A connection of a Core client dies with its node, so for those any
 * entry stands. More ARGV: connection id, entry, its node, what the keys of leases begin with, a node that is known to be dead,
 * what the channels of nodes begin with. A node whose entry goes is told, since it may only be out of reach. Returns the entry
 * that stands.
 */
export const CLAIM = new Script(`${SHARED}
local former = read(ARGV[3])
if former then
  local isAlive = former.nodeId == ARGV[5] or redis.call('EXISTS', ARGV[6] .. former.nodeId) == 1
  if (isAlive or former.protocol == 'core') and former.nodeId ~= ARGV[7] then
    return redis.call('GET', root .. 'entry:' .. ARGV[3])
  end
  drop(ARGV[3], former)
  if former.nodeId ~= ARGV[5] then
    local mail = {v = ${WIRE_VERSION}, t = 'taken', connectionId = ARGV[3]}
    redis.call(ARGV[1], ARGV[8] .. former.nodeId, cjson.encode(mail))
  end
end
if cjson.decode(ARGV[4]).protocol == 'core' then
  local died = redis.call('GET', root .. 'died:' .. ARGV[3])
  if died then
    return died
  end
end
put(ARGV[3], ARGV[4])
return ARGV[4]
`);

/**
 * Takes in an entry with exactly these groups, unless a node that is alive has it. More ARGV: connection id, entry, its
 * node, what the keys of leases begin with, groups. Returns the node that has it, if that is another one.
 */
export const RESTORE = new Script(`${SHARED}
local id = ARGV[3]
if isTaken(id, ARGV[5], ARGV[6]) then
  return read(id).nodeId
end
local groups = {}
for index = 7, #ARGV do
  groups[index - 6] = ARGV[index]
end
put(id, ARGV[4])
for _, group in ipairs(redis.call('SMEMBERS', root .. 'groups:' .. id)) do
  if not has(groups, group) then
    leave(id, group)
  end
end
for _, group in ipairs(groups) do
  join(id, group)
end
`);

/** Drops an entry if it is still that of this node. More ARGV: connection id, node. */
export const REMOVE = new Script(`${SHARED}
local entry = read(ARGV[3])
if entry and entry.nodeId == ARGV[4] then
  drop(ARGV[3], entry)
end
`);

/** More ARGV: connection id, group. */
export const JOIN = new Script(`${SHARED} join(ARGV[3], ARGV[4])`);

/** More ARGV: connection id, group. */
export const LEAVE = new Script(`${SHARED} leave(ARGV[3], ARGV[4])`);

/**
 * Drops entries of a node that is no more. Those of Core clients are remembered for a while: with a fresh token a client could
 * otherwise found its connection anew, without anything that it had. More ARGV: node, how many at most. Returns what was
 * dropped.
 */
export const REAP = new Script(`${SHARED}
local dropped = {}
for _, id in ipairs(redis.call('SRANDMEMBER', root .. 'node:' .. ARGV[3], ARGV[4])) do
  local entry = read(id)
  if entry and entry.nodeId == ARGV[3] then
    local text = redis.call('GET', root .. 'entry:' .. id)
    dropped[#dropped + 1] = text
    drop(id, entry)
    if entry.protocol == 'core' then
      redis.call('SET', root .. 'died:' .. id, text, 'PX', ${REMEMBERED})
    end
  else
    redis.call('SREM', root .. 'node:' .. ARGV[3], id)
  end
end
return dropped
`);
