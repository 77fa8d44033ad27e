import { describe } from 'vitest';

import { describeSelectors } from '../../support/processes/selector-suite.js';
import { missing } from '../../support/requirements.js';
import { classicKinds, coreKinds } from '../../support/room-kinds.js';

describe.skipIf(missing('redis'))('three processes without sticky sessions', () => {
  describeSelectors([...classicKinds, ...coreKinds]);
});
