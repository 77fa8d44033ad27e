import type { Type } from '@nestjs/common';

import { classTokens } from '../common/class-tokens.js';

/**
 * The injection token of a hub's context, for `overrideProvider` in tests and `inject` lists of factories.
 *
 * @publicApi
 */
export const getHubContextToken: (hub: Type) => symbol = classTokens((name) => `IHubContext<${name}>`);
