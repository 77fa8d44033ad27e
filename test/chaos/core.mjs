import { CoreClient } from './core-client.mjs';
import { JavaScriptClient } from './javascript-client.mjs';

/** Core clients with stateful reconnect: that of the original, and our own. @type {import('./chaos.mjs').Family} */
export const core = {
  kinds: ['js', 'raw'],
  calls: true,
  createClient: (kind, options) => (kind === 'js' ? new JavaScriptClient(options) : new CoreClient(options)),
};
