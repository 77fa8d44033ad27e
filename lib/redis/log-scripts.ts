import { Script } from './script.js';
import { WIRE_VERSION } from './wire-format.js';

/**
 * Finds out in which life the log is. Whoever comes first gives it a name, and so does a node that has seen messages which
 * Redis does not know any more: it has come back with an older state, and positions would be given a second time.
 *
 * KEYS: epoch, sequence. ARGV: the epoch that the node knows, the last sequence number that it has seen, a new name.
 */
const LIFE = `
local epoch = redis.call('GET', KEYS[1])
local sequence = tonumber(redis.call('GET', KEYS[2]) or '0')
if not epoch or (epoch == ARGV[1] and sequence < tonumber(ARGV[2])) then
  epoch = ARGV[3]
  redis.call('SET', KEYS[1], epoch)
end
`;

/**
 * Publishes a message: gives it the next place in the order of all messages, keeps it in the log of its topic and hands it
 * to all subscribers, in one step. A message that has been accepted before is not published again, and one that is not
 * the sender's next one is refused, since then those before it got lost on the way.
 *
 * An entry of the log says which one stood before it (\`p\`), so that readers see when some between are missing.
 *
 * More KEYS: the sender's count, the log. More ARGV: count of the message, what the sender knows to be accepted, the
 * message without what is added here, channel, entries kept in the log, milliseconds they are kept, milliseconds the count
 * is kept, command to publish with.
 */
export const PUBLISH = new Script(`${LIFE}
local count = tonumber(ARGV[4])
local accepted = math.max(tonumber(redis.call('GET', KEYS[3]) or '0'), tonumber(ARGV[5]))
if count <= accepted then
  return {'known', epoch, 0, accepted}
end
if count > accepted + 1 then
  return {'missing', epoch, 0, accepted}
end
sequence = redis.call('INCR', KEYS[2])
local last = redis.call('XREVRANGE', KEYS[4], '+', '-', 'COUNT', 1)
local before = '0'
if last[1] then
  before = string.match(last[1][1], '^%d+')
  if tonumber(before) >= sequence then
    redis.call('DEL', KEYS[4])
    before = '0'
  end
end
redis.call('XADD', KEYS[4], 'MAXLEN', ARGV[8], sequence .. '-0', 'p', before, 'm', '${WIRE_VERSION} ' .. ARGV[6])
redis.call('PEXPIRE', KEYS[4], ARGV[9])
redis.call('SET', KEYS[3], count, 'PX', ARGV[10])
redis.call(ARGV[11], ARGV[7], '${WIRE_VERSION} ' .. epoch .. ' ' .. sequence .. ' ' .. ARGV[6])
return {'accepted', epoch, sequence, count}
`);

/**
 * A sign of life of a node. Where the log stands is published on the node's own channel as well: when that arrives there,
 * everything that was published before has arrived.
 *
 * More KEYS: the sender's count, lease of the node, nodes. More ARGV: id of the node, milliseconds the lease holds,
 * milliseconds the count is kept, channel of the node, command to publish with.
 */
export const SYNC = new Script(`${LIFE}
redis.call('SET', KEYS[4], '1', 'PX', ARGV[5])
redis.call('SADD', KEYS[5], ARGV[4])
redis.call('PEXPIRE', KEYS[3], ARGV[6])
local accepted = tonumber(redis.call('GET', KEYS[3]) or '0')
local mark = {v = ${WIRE_VERSION}, t = 'sync', epoch = epoch, sequence = sequence, accepted = accepted}
redis.call(ARGV[8], ARGV[7], cjson.encode(mark))
return {epoch, sequence, accepted}
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
