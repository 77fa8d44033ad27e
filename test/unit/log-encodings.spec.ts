import { expect, test } from 'vitest';
import { MemoryBackplane } from 'nestjs-signalr';

import {
  type Envelope,
  ENCODED_MESSAGES,
  type EnvelopeCodec,
  newCodecSlot,
} from '../../lib/messaging/envelope.js';
import { LoggedEnvelope } from '../../lib/redis/logged-envelope.js';
import { OpenTopic } from '../../lib/redis/open-topic.js';
import { call, RecordingNode, textOf } from '../../lib/testing/conformance/recording-node.js';

/** More than two rounds of either ring. */
const MESSAGES = 100;
const CAPACITY = 40;

/** Counts how often each message was put into the form of a protocol. */
class CountingCodec implements EnvelopeCodec<string> {
  readonly slot = newCodecSlot();
  readonly encoded: string[] = [];

  encode(envelope: Envelope): string {
    this.encoded.push(textOf(envelope));
    return textOf(envelope);
  }
}

function latest(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${MESSAGES - count + index}`);
}

/** Encodes everything that is kept once more, and tells for what that was work. */
function encodedAnew(kept: readonly Envelope[], codec: CountingCodec): string[] {
  codec.encoded.length = 0;
  expect(kept.map((envelope) => envelope.encodedBy(codec))).toEqual(latest(CAPACITY));
  return codec.encoded;
}

test('the log in memory keeps the forms of its latest messages, and of older ones the message', () => {
  const codec = new CountingCodec();
  const backplane = new MemoryBackplane({ bufferSize: CAPACITY });
  const node = new RecordingNode('n');
  node.deliver = (envelope) => void envelope.encodedBy(codec);
  backplane.start(node);
  backplane.subscribe('t');
  for (let index = 0; index < MESSAGES; index++) {
    const before = backplane.tail();
    backplane.publish('t', call(`${index}`));
    // Whoever gets it with others gets what they get.
    backplane.replay([{ topic: 't' }], before).envelopes.forEach((envelope) => envelope.encodedBy(codec));
  }
  expect(codec.encoded).toEqual(latest(MESSAGES));

  const kept = backplane.replay([{ topic: 't' }], backplane.tail().replace(/-.*/, '-0')).envelopes;
  expect(encodedAnew(kept, codec)).toEqual(latest(CAPACITY).slice(0, -ENCODED_MESSAGES));
  backplane.stop();
});

test('so does what a node keeps of the log of Redis', () => {
  const codec = new CountingCodec();
  const topic = new OpenTopic();
  const envelopes = Array.from(
    { length: MESSAGES },
    (_, index) => new LoggedEnvelope('t', call(`${index}`), '1', 'other', index + 1, index + 1),
  );
  envelopes.forEach((envelope, order) => {
    topic.append({ order, envelope }, CAPACITY, 'own');
    envelope.encodedBy(codec);
  });
  expect(codec.encoded).toEqual(latest(MESSAGES));
  expect(encodedAnew(envelopes.slice(-CAPACITY), codec)).toEqual(
    latest(CAPACITY).slice(0, -ENCODED_MESSAGES),
  );
});
