import { describe, expect, test } from 'vitest';

import type { HubDescriptor } from '../../lib/hubs/hub-descriptor.js';
import { type ClientCall, Envelope } from '../../lib/messaging/envelope.js';
import { jsonProtocol } from '../../lib/protocols/core/json-hub-protocol.js';
import { QualifiedCalls } from '../../lib/protocols/core/qualified-calls.js';

const hub = { name: 'ChatHub', scriptName: 'chatHub' } as HubDescriptor;
const call: ClientCall = { type: 'call', hub: 'ChatHub', method: 'hear', argumentsJson: '["hi"]' };

describe('calls under the name of their hub', () => {
  const qualified = new QualifiedCalls([hub], [jsonProtocol]);

  test('are encoded once for all who know them so, and apart from those who do not', () => {
    const envelope = new Envelope('h-ChatHub', call, '1');
    const first = envelope.encodedBy(qualified.of(jsonProtocol));
    expect(envelope.position).toBe('1');
    expect(first.data).toBe('{"type":1,"target":"chatHub.hear","arguments":["hi"]}\u001e');
    expect(envelope.encodedBy(qualified.of(jsonProtocol))).toBe(first);
    expect(envelope.encodedBy(jsonProtocol.calls).data).toBe(
      '{"type":1,"target":"hear","arguments":["hi"]}\u001e',
    );
  });

  test('leave the call that others get as it is', () => {
    expect(qualified.addressed(call)).toEqual({ ...call, method: 'chatHub.hear' });
    expect(call.method).toBe('hear');
  });
});
