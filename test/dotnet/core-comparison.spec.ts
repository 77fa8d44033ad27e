import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../support/app.js';
import { missing } from '../support/requirements.js';
import { CoreServer } from './comparison/core-server.js';
import { echoHandlers } from './comparison/echo-handlers.js';
import { scripts } from './comparison/scripts/index.js';
import { differences, type Finding, type Script, Stage } from './comparison/stage.js';
import { authenticate, workHubs } from './comparison/work-hub.js';

const SETTLED = '{"type":3,"invocationId":"settle","result":null}';

/** Outcomes of a message. */
const ignored = [SETTLED];
const executed = ['{"type":3,"invocationId":"1","result":1}', SETTLED];
const failed = [expect.stringContaining('Failed to invoke'), SETTLED];
const refused = [
  expect.stringMatching(/^\{"type":7,"error":"Connection closed with an error\..*","allowReconnect":true\}$/),
  'closed with 1000',
];

/** Outcomes of a handshake. */
const accepted = ['{}', SETTLED];
const denied = [expect.stringMatching(/^\{"error":"An unexpected error occurred/), 'closed with 1000'];

/** What a hub method answered, read as JSON. */
const echoed = (result: unknown): unknown[] => [
  { type: 3, invocationId: '1', result },
  { type: 3, invocationId: 'settle', result: null },
];

const negotiated = { status: 200, 'content-type': 'application/json', body: expect.any(String) };

/**
 * Where this server does something else, and why. Steps are named by what is sent. Differences that are known from the
 * start and would stall one of the two servers are not played: docs/compatibility.md has them all.
 */
const knownDifferences: readonly {
  readonly why: string;
  readonly scripts: readonly string[];
  readonly steps: readonly string[];
  readonly theirs: unknown;
  readonly ours: unknown;
}[] = [
  {
    why: 'JavaScript knows one kind of number, whichever way it is written',
    scripts: ['handshakes with plain', 'handshakes with detailed'],
    steps: ['{"protocol":"json","version":1.0}', '{"protocol":"json","version":1e0}'],
    theirs: denied,
    ours: accepted,
  },
  {
    why: 'the same',
    scripts: ['messages to plain', 'messages to detailed'],
    steps: ['{"type":6.0}', '{"type":6e0}'],
    theirs: refused,
    ours: ignored,
  },
  {
    why: 'a number without a place in JavaScript has none in its JSON',
    scripts: ['values there and back'],
    steps: ['1e400'],
    theirs: echoed(Number.POSITIVE_INFINITY),
    ours: echoed(null),
  },
  {
    why: 'the sign of zero is not written',
    scripts: ['values there and back'],
    steps: ['-0'],
    theirs: echoed(-0),
    ours: echoed(0),
  },
  {
    why: 'half a character is a text in JavaScript; the original cannot write it and closes the connection',
    scripts: ['values there and back'],
    steps: ['"\\ud83d"'],
    theirs: [{ type: 7, error: 'Connection closed with an error.', allowReconnect: true }],
    ours: echoed('\ud83d'),
  },
  {
    why: 'one message is one JSON text; the original does not look at what stands behind the object',
    scripts: ['handshakes with plain', 'handshakes with detailed'],
    steps: ['{"protocol":"json","version":1}x', '{"protocol":"json","version":1}{"type":6}'],
    theirs: accepted,
    ours: denied,
  },
  {
    why: 'the same',
    scripts: ['messages to plain', 'messages to detailed'],
    steps: ['{"type":6}x', '{"type":6}{"type":6}', '{"type":6} // ping'],
    theirs: ignored,
    ours: refused,
  },
  {
    why: 'members that a message of its type does not have are not looked at',
    scripts: ['messages to plain', 'messages to detailed'],
    steps: ['{"type":6,"invocationId":5}'],
    theirs: refused,
    ours: ignored,
  },
  {
    why: 'the same',
    scripts: ['messages to plain', 'messages to detailed'],
    steps: ['"error":5', '"allowReconnect":5', '"sequenceId":"x"'].map(
      (member) => `{"type":1,"invocationId":"1","target":"Echo","arguments":[1],${member}}`,
    ),
    theirs: refused,
    ours: executed,
  },
  {
    why: 'the same; the original takes the call and never answers it',
    scripts: ['messages to plain', 'messages to detailed'],
    steps: ['{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"error":"x","result":5,"item":6}'],
    theirs: ignored,
    ours: executed,
  },
  {
    why: 'a message is read as a whole; the original reads arguments apart from the rest',
    scripts: ['messages to plain', 'messages to detailed'],
    steps: ['{"type":1,"invocationId":"1","target":"Echo","arguments":[[1,[2]],]}'],
    theirs: failed,
    ours: refused,
  },
  {
    why: 'the original got this text from its parser; the rule is the one of other members',
    scripts: ['messages to detailed'],
    steps: ['{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"streamIds":[5]}'],
    theirs: [
      expect.stringContaining(`Cannot get the value of a token type 'Number' as a string.`),
      'closed with 1000',
    ],
    ours: [expect.stringContaining(`Expected 'streamIds' to be of type String.`), 'closed with 1000'],
  },
  {
    why: 'an item without an id is told so as other messages are, not that its stream was not found',
    scripts: ['messages to detailed'],
    steps: ['{"type":2,"invocationId":"","item":1}'],
    theirs: [expect.stringContaining('KeyNotFoundException'), 'closed with 1000'],
    ours: [expect.stringContaining(`Missing required property 'invocationId'.`), 'closed with 1000'],
  },
  {
    why: 'bytes that are no UTF-8 become replacement characters, as everywhere in Node',
    scripts: ['handshakes with plain', 'handshakes with detailed'],
    steps: ['no UTF-8'],
    theirs: denied,
    ours: [`{"error":"The protocol 'js\ufffd\ufffd' is not supported."}`, 'closed with 1000'],
  },
  {
    why: 'the parser of .NET takes NUL characters behind a number',
    scripts: ['the query of negotiate'],
    steps: ['plain ?negotiateVersion=1%00'],
    theirs: negotiated,
    ours: { ...negotiated, body: '{"error":"The client requested a non-integer protocol version."}' },
  },
  {
    why: 'middleware before a hub compares paths as they were sent, so a hub is not found by another spelling',
    scripts: ['methods and paths'],
    steps: ['GET %70lain'],
    theirs: {
      status: 400,
      'content-type': 'text/plain',
      'cache-control': 'no-cache, no-store',
      pragma: 'no-cache',
      expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
      body: 'Connection ID required',
    },
    ours: { status: 404, from: 'the host' },
  },
  {
    why: 'the same',
    scripts: ['methods and paths'],
    steps: ['POST %70lain/negotiate'],
    theirs: negotiated,
    ours: { status: 404, from: 'the host' },
  },
  {
    why: 'the same',
    scripts: ['methods and paths'],
    steps: ['GET plain/%6Eegotiate'],
    theirs: { status: 405, 'content-type': 'text/plain', body: '' },
    ours: { status: 404, from: 'the host' },
  },
  {
    why: 'what an argument lacks is known to the pipe that refused it, not to a serializer',
    scripts: ['streams to detailed'],
    steps: ['"x"', 'null'].map((value) =>
      [
        '{"type":1,"invocationId":"u","target":"Collect","arguments":[],"streamIds":["1"]}',
        ...(value === 'null' ? [] : ['{"type":2,"invocationId":"1","item":1}']),
        `{"type":2,"invocationId":"1","item":${value}}`,
        ...(value === 'null' ? [] : ['{"type":2,"invocationId":"1","item":3}']),
        '{"type":3,"invocationId":"1"}',
      ].join(' '),
    ),
    theirs: [expect.stringContaining('Failed to bind Stream message. JsonException: '), SETTLED],
    ours: ['{"type":3,"invocationId":"u","result":"HubException: Failed to bind Stream message."}', SETTLED],
  },
  {
    why: 'the text of an exception without one has the name of the class, which has no namespace here',
    scripts: ['questions of plain', 'questions of detailed'],
    steps: ['neither'],
    theirs: [
      expect.any(String),
      expect.stringContaining(`Exception of type 'Microsoft.AspNetCore.SignalR.HubException' was thrown.`),
      SETTLED,
    ],
    ours: [
      expect.any(String),
      expect.stringContaining(`Exception of type 'HubException' was thrown.`),
      SETTLED,
    ],
  },
  {
    why: 'a client of a handler that talks in bytes learns it when it negotiates',
    scripts: ['connection handlers: negotiation and requests without a connection'],
    steps: ['', '?negotiateVersion=1', '?negotiateVersion=1&useStatefulReconnect=true'].map(
      (query) => `negotiate rawBytes${query}`,
    ),
    theirs: { ...negotiated, body: expect.stringContaining('ServerSentEvents') },
    ours: { ...negotiated, body: expect.stringMatching(/^(?!.*Text)/) },
  },
  ...[
    ['undefined', 1005],
    ['1001', 1001],
    ['1011', 1011],
    ['3000', 3000],
    ['4001', 4001],
  ].map(([sent, received]) => ({
    why: 'a close frame is answered with its own code, as ws does it; clients look only at their own',
    scripts: ['ends of sockets'],
    steps: [`closed with ${sent}: the client`],
    theirs: ['closed with 1000'],
    ours: [`closed with ${received}`],
  })),
];

/** What should differ in a script, in the order in which it is played. */
function expected({ name }: Script, played: ReadonlyMap<string, unknown>): readonly Finding[] {
  const rows = knownDifferences.filter((row) => row.scripts.includes(name));
  const known = rows.flatMap(({ steps, theirs, ours }) => steps.map((step) => ({ step, theirs, ours })));
  const order = [...played.keys()];
  return known.toSorted((left, right) => order.indexOf(left.step) - order.indexOf(right.step));
}

describe.skipIf(missing('dotnet'))('the same scripts against ASP.NET Core SignalR and this server', () => {
  let original: CoreServer;
  const played = new Map<Script, Promise<ReadonlyMap<string, unknown>>>();

  beforeAll(async () => {
    original = await CoreServer.launch();
  });

  afterAll(() => original?.close());

  /** The original does not change from platform to platform. */
  const playOriginal = (script: Script): Promise<ReadonlyMap<string, unknown>> => {
    const transcript = played.get(script) ?? Stage.play(script, original.url);
    played.set(script, transcript);
    return transcript;
  };

  test('scripts have names of their own, and every known difference has its script', () => {
    const names = scripts.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(knownDifferences.flatMap((row) => [...row.scripts])));
  });

  describe.each(platforms)('on %s', (platform) => {
    let app: TestApp;

    beforeAll(async () => {
      app = await startApp({
        platform,
        hubs: workHubs,
        providers: [...echoHandlers],
        signalr: { authenticate, classic: false },
      });
    });

    afterAll(() => app?.close());

    test.each(scripts)('$name', async (script) => {
      const ours = await Stage.play(script, app.url);
      let theirs = await playOriginal(script).catch(() => undefined);
      if (theirs === undefined || differences(theirs, ours).length !== expected(script, theirs).length) {
        // On a busy machine the original differs from itself now and then, or is late: what it does the second time counts.
        played.delete(script);
        theirs = await playOriginal(script);
      }
      expect(differences(theirs, ours)).toEqual(expected(script, theirs));
    });
  });
});
