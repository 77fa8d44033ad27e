import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { HubCatalog } from '../../lib/hubs/hub-catalog.js';
import { readConnectionData } from '../../lib/protocols/classic/connection-data.js';
import { readHubMessage } from '../../lib/protocols/classic/hub-message.js';
import { resolveProtocolVersion } from '../../lib/protocols/classic/protocol-version.js';
import { BadClassicRequest } from '../../lib/protocols/classic/request.js';
import { jsonProtocol } from '../../lib/protocols/core/json-hub-protocol.js';
import { parseMessage } from '../../lib/protocols/core/json-messages.js';
import { readHandshake } from '../../lib/protocols/core/handshake.js';
import { ProtocolError } from '../../lib/protocols/core/messages.js';
import { RecordReader } from '../../lib/protocols/core/record-reader.js';
import { CLASSIC_QUERY, CORE_QUERY, FORM, parseQuery } from '../../lib/transports/query.js';

/** Names that mean something to one of the readers. */
const MEMBERS =
  'type target arguments invocationId streamIds headers result error item sequenceId allowReconnect protocol version H M A I S h __proto__'.split(
    ' ',
  );

/** Text that looks a little like what clients send, and text that does not at all. */
const almostJson = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json(),
  fc
    .dictionary(
      fc.constantFrom(...MEMBERS),
      fc.oneof(fc.jsonValue(), fc.integer({ min: -1, max: 10 }), fc.constant([]), fc.constant({})),
    )
    .map((value) => JSON.stringify(value)),
);

/** What a function throws; undefined if it does not. */
function thrownBy(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (thrown) {
    return thrown;
  }
}

/** Runs a reader over anything: nothing but its own error may come out. */
function expectOnly(error: new (...args: never[]) => Error, read: (text: string) => unknown): void {
  fc.assert(
    fc.property(almostJson, (text) => {
      const thrown = thrownBy(() => read(text));
      expect(thrown === undefined || thrown instanceof error, String(thrown)).toBe(true);
    }),
    { numRuns: 3_000 },
  );
}

describe('readers of what clients send', () => {
  test('Core messages', () => {
    expectOnly(ProtocolError, parseMessage);
  });

  test('Core handshakes', () => {
    fc.assert(
      fc.property(almostJson, fc.boolean(), (text, withDetails) => {
        const protocols = new Map([['json', jsonProtocol]]);
        const outcome = readHandshake(text, { protocols, transport: 'webSockets', withDetails });
        expect('error' in outcome ? outcome.error : outcome.protocol.name).toEqual(expect.any(String));
      }),
      { numRuns: 3_000 },
    );
  });

  test('classic messages', () => {
    expectOnly(BadClassicRequest, readHubMessage);
  });

  test('lists of hubs', () => {
    expectOnly(BadClassicRequest, (text) => readConnectionData(text, new HubCatalog()));
  });

  test('protocol versions', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d.+\- ]*$/)), (text) => {
        expect(resolveProtocolVersion(text)).toMatch(/^\d+(?:\.\d+){1,3}$/);
      }),
    );
  });

  test('queries', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const rules of [CORE_QUERY, CLASSIC_QUERY, FORM]) {
          expect([...parseQuery(text, rules)].every(([, value]) => typeof value === 'string')).toBe(true);
        }
      }),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.string()), (values) => {
        const query = parseQuery(new URLSearchParams(values).toString(), FORM);
        expect([...query].length).toBe(new Set(Object.keys(values).map((name) => name.toLowerCase())).size);
      }),
    );
  });

  test('frames that are split anywhere give the same messages', () => {
    const messages = fc.array(fc.string().map((text) => text.replaceAll('\u001e', '')));
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 1, max: 9 })), (records, sizes) => {
        const bytes = Buffer.from(records.map((record) => `${record}\u001e`).join(''));
        const reader = new RecordReader();
        for (let start = 0, turn = 0; start < bytes.length; turn++) {
          const size = sizes[turn] ?? bytes.length;
          reader.push(bytes.subarray(start, start + size));
          start += size;
        }
        const read: string[] = [];
        for (let record = reader.next(); record !== undefined; record = reader.next()) {
          read.push(record.toString());
        }
        expect(read).toEqual(records);
      }),
    );
  });
});
