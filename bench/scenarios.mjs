/**
 * @typedef {object} Scenario
 * @property {string} name for the command line
 * @property {string} title for tables
 * @property {'echo' | 'broadcast' | 'groups'} kind
 * @property {number} connections
 * @property {number} bytes of the text of a call or broadcast, or of the JSON of a record
 * @property {'record'} [payload] echo: an object in place of a text
 * @property {number} inFlight echo: open calls per connection
 * @property {number} burst broadcast, groups: sends in one turn of the server's event loop
 */

const echo = { kind: /** @type {const} */ ('echo'), connections: 8, burst: 0 };
const broadcast = { kind: /** @type {const} */ ('broadcast'), connections: 1000, bytes: 100, inFlight: 0 };

/** @type {Scenario[]} */
export const scenarios = [
  { ...echo, name: 'echo-1', title: 'echo 1 in flight, 32 B', inFlight: 1, bytes: 32 },
  { ...echo, name: 'echo-16', title: 'echo 16 in flight, 32 B', inFlight: 16, bytes: 32 },
  { ...echo, name: 'echo-16-1k', title: 'echo 16 in flight, 1 KiB', inFlight: 16, bytes: 1024 },
  {
    ...echo,
    name: 'echo-record',
    title: 'echo 16 in flight, record of 1 KiB',
    inFlight: 16,
    bytes: 1024,
    payload: 'record',
  },
  { ...echo, name: 'echo-16k', title: 'echo 1 in flight, 16 KiB', inFlight: 1, bytes: 16_384 },
  { ...broadcast, name: 'broadcast', title: 'broadcast to 1,000, 100 B', burst: 1 },
  { ...broadcast, name: 'broadcast-8', title: 'broadcast to 1,000, bursts of 8', burst: 8 },
  { ...broadcast, name: 'groups', title: '1,000 in groups of 10, 100 B', kind: 'groups', burst: 1 },
];
