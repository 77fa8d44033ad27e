import { describe, expect, test } from 'vitest';

import { eventStreamFormat } from '../../lib/protocols/core/formats.js';

describe('events of Core clients', () => {
  test('[core 68] lines become lines of one event', () => {
    expect(eventStreamFormat.frame('{\r\n  "type": 6\n}\u001e')).toBe(
      'data: {\r\ndata:   "type": 6\r\ndata: }\u001e\r\n\r\n',
    );
  });

  test('a payload that ends with a line feed has an empty last line', () => {
    expect(eventStreamFormat.frame('a\n')).toBe('data: a\r\ndata: \r\n\r\n');
  });
});
