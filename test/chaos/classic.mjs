import { ClassicClient } from './classic-client.mjs';

/** Classic clients, a kind for each transport. @type {import('./chaos.mjs').Family} */
export const classic = {
  kinds: ['webSockets', 'serverSentEvents', 'longPolling', 'foreverFrame'],
  // Only what comes from the server is kept for a classic client.
  calls: false,
  createClient: (transport, { user, ...options }) =>
    new ClassicClient({ ...options, transport, parameters: { user } }),
};
