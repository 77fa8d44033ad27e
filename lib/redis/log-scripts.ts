import { Script } from './script.js';
import { WIRE_VERSION } from './wire-format.js';

/**
 * Begins a term: what is published from one connection of some node to Redis until the next. Only connections to one server
 * publish, so a server that has taken the place of another one gives no place in a term of its predecessor. Names are never
 * given twice, and end with the place after which the term begins.
 *
 * KEYS: epoch, sequence, terms, directory. ARGV: a new name, how many terms are remembered. The last key never exists:
 * while the slot of a cluster is on its way, it is what keeps all others from being used.
 */
export const TERM = new Script(`
redis.call('RPUSH', KEYS[3], ARGV[1] .. '-' .. (redis.call('GET', KEYS[2]) or '0'))
redis.call('LTRIM', KEYS[3], -ARGV[2], -1)
`);

/**
 * Finds out in which life the log is. Whoever comes first gives it a name, and so does a node that has witnessed messages
 * which Redis does not know any more: it has come back with an older state, or another server with an older state has taken its
 * place, and positions would be given a second time. That others have published since does not hide it: what a node has
 * witnessed has to lie in its term, which ends where the next one begins.
 *
 * KEYS: epoch, sequence, terms. ARGV: the epoch that the node knows, the last place that it has witnessed, a new name, the
 * term of that place; empty if that is not known.
 */
const LIFE = `
local life = redis.call('MGET', KEYS[1], KEYS[2])
local epoch = life[1]
local sequence = tonumber(life[2] or '0')
local term = redis.call('LINDEX', KEYS[3], -1) or ''

local function holds(place, known)
  if place > sequence then
    return false
  end
  if known == '' or known == term then
    return true
  end
  local index = redis.call('LPOS', KEYS[3], known, 'RANK', -1)
  local successor = index and redis.call('LINDEX', KEYS[3], index + 1)
  return successor and place <= tonumber(string.match(successor, '%d+$'))
end

if not epoch or (epoch == ARGV[1] and not holds(tonumber(ARGV[2]), ARGV[4])) then
  epoch = ARGV[3]
  redis.call('SET', KEYS[1], epoch)
end
`;

/**
 * Publishes a message: gives it the next place in the order of all messages, keeps it in the log of its topic and hands it
 * to all subscribers, in one step. A message that has been accepted before is not published again, and one that is not
 * the sender's next one is refused, since then those before it got lost on the way.
 *
 * An entry of the log says which one stood before it (`p`), so that readers see when some between are missing.
 *
 * More KEYS: the sender's count, the log. More ARGV: count of the message, what the sender knows to be accepted, head and
 * text of the message without what is added here, channel, entries kept in the log, milliseconds they are kept, milliseconds
 * the count is kept, command to publish with.
 */
export const PUBLISH = new Script(`${LIFE}
local count = tonumber(ARGV[5])
local accepted = math.max(tonumber(redis.call('GET', KEYS[4]) or '0'), tonumber(ARGV[6]))
if count <= accepted then
  return {'known', epoch, 0, accepted, term}
end
if count > accepted + 1 then
  return {'missing', epoch, 0, accepted, term}
end
sequence = redis.call('INCR', KEYS[2])
local last = redis.call('XREVRANGE', KEYS[5], '+', '-', 'COUNT', 1)
local before = '0'
if last[1] then
  before = string.match(last[1][1], '^%d+')
  if tonumber(before) >= sequence then
    redis.call('DEL', KEYS[5])
    before = '0'
  end
end
local message = ARGV[7] .. ' @' .. term .. '\\n' .. ARGV[8]
redis.call('XADD', KEYS[5], 'MAXLEN', ARGV[10], sequence .. '-0', 'p', before, 'm', '${WIRE_VERSION} ' .. message)
redis.call('PEXPIRE', KEYS[5], ARGV[11])
redis.call('SET', KEYS[4], count, 'PX', ARGV[12])
redis.call(ARGV[13], ARGV[9], '${WIRE_VERSION} ' .. epoch .. ' ' .. sequence .. ' ' .. message)
return {'accepted', epoch, sequence, count, term}
`);

/**
 * A sign of life of a node. Where the log stands is published on the node's own channel as well: when that arrives there,
 * everything that was published before has arrived.
 *
 * More KEYS: the sender's count, lease of the node, nodes. More ARGV: id of the node, milliseconds the lease holds,
 * milliseconds the count is kept, channel of the node, command to publish with.
 */
export const SYNC = new Script(`${LIFE}
redis.call('SET', KEYS[5], '1', 'PX', ARGV[6])
redis.call('SADD', KEYS[6], ARGV[5])
redis.call('PEXPIRE', KEYS[4], ARGV[7])
local accepted = tonumber(redis.call('GET', KEYS[4]) or '0')
local mark = {v = ${WIRE_VERSION}, t = 'sync', epoch = epoch, sequence = sequence, accepted = accepted, term = term}
redis.call(ARGV[9], ARGV[8], cjson.encode(mark))
return {epoch, sequence, accepted, term}
`);

/**
 * Begins a new life of the log, unless somebody else has begun one already.
 *
 * KEYS: epoch. ARGV: the epoch that is over, the new one.
 */
export const NEW_LIFE = new Script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2])
end
return redis.call('GET', KEYS[1])
`);

/** Finds the nodes without a lease. KEYS: nodes. ARGV: what the keys of leases begin with. */
export const LAPSED = new Script(`
local lapsed = {}
for _, node in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if redis.call('EXISTS', ARGV[1] .. node) == 0 then
    lapsed[#lapsed + 1] = node
  end
end
return lapsed
`);
