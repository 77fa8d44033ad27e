import { callScripts } from './calls.js';
import { endingScripts } from './endings.js';
import { handlerScripts } from './handlers.js';
import { handshakeScripts } from './handshake.js';
import { messageScripts } from './messages.js';
import { negotiateScripts } from './negotiate.js';
import { questionScripts } from './questions.js';
import { requestScripts } from './requests.js';
import { statefulScripts } from './stateful.js';
import { streamScripts } from './streams.js';

/** Everything that is played against both servers. */
export const scripts = [
  ...negotiateScripts,
  ...handshakeScripts,
  ...messageScripts,
  ...callScripts,
  ...streamScripts,
  ...questionScripts,
  ...endingScripts,
  ...requestScripts,
  ...statefulScripts,
  ...handlerScripts,
];
