import type { Script } from '../stage.js';

const stream = (target: string, args: string, id = 's', rest = ''): string =>
  `{"type":4,"invocationId":"${id}","target":"${target}","arguments":${args}${rest}}`;
const upload = (target: string, args: string, ids: string, id = 'u'): string =>
  `{"type":1,"invocationId":"${id}","target":"${target}","arguments":${args},"streamIds":${ids}}`;
const item = (value: string, id = '1'): string => `{"type":2,"invocationId":"${id}","item":${value}}`;
const end = (id = '1', rest = ''): string => `{"type":3,"invocationId":"${id}"${rest}}`;

const downloads = [
  stream('Counter', '[3]'),
  stream('counter', '[1]'),
  stream('Counter', '[0]'),
  stream('Counter', '[]'),
  stream('counter', '["x"]'),
  stream('FailingStream', '["plain"]'),
  stream('FailingStream', '["hub"]'),
  stream('FailingStream', '["odd"]'),
  stream('ThrowingStream', '["plain"]'),
  stream('ThrowingStream', '["hub"]'),
  stream('NullStream', '[]'),
  stream('Add', '[1,2]'),
  stream('add', '[1,2]'),
  stream('Nothing', '[]'),
  stream('Missing', '[]'),
  stream('Counter', '[1]', 's', ',"streamIds":["1"]'),
  stream('Counter', '[1]', 's', ',"streamIds":[]'),
  stream('Doubled', '[]'),
];

/** Each is a call with what the client sends for its streams. */
const uploads: readonly (readonly string[])[] = [
  [upload('Sum', '[5]', '["1"]'), item('1'), item('2'), end()],
  [upload('Sum', '[5]', '["1"]'), end()],
  [upload('sum', '[5]', '["1"]'), item('1'), end('1', ',"result":null')],
  [upload('Sum', '[5]', '["1"]'), item('1'), end('1', ',"result":7')],
  [upload('Sum', '[5]', '["1"]'), item('1'), end('1', ',"error":"broken"')],
  [upload('Sum', '[5]', '[]')],
  [upload('sum', '[5]', '["1","2"]')],
  [upload('Sum', '[]', '["1"]')],
  [upload('Sum', '["x"]', '["1"]'), item('1'), end()],
  [upload('Add', '[1,2]', '["1"]'), item('1'), end()],
  [upload('Missing', '[]', '["1"]'), item('1'), end()],
  [upload('Collect', '[]', '["1"]'), item('1'), item('2'), end()],
  [upload('Collect', '[]', '["1"]'), item('1'), end('1', ',"error":"broken"')],
  [upload('Collect', '[]', '["1"]'), item('1'), end('1', ',"error":""')],
  [upload('Collect', '[]', '["1"]'), item('1'), item('"x"'), item('3'), end()],
  [upload('Collect', '[]', '["1"]'), item('null'), end()],
  [upload('Collect', '[]', '[""]'), item('1', ''), end('')],
  [upload('First', '[]', '["1"]'), item('4'), item('5'), end()],
  [upload('Two', '["-"]', '["1","2"]'), item('"c"', '2'), item('"a"'), end('2'), item('"b"'), end()],
  [upload('Counter', '[1]', '["1"]')],
  [
    `{"type":4,"invocationId":"u","target":"Doubled","arguments":[],"streamIds":["1"]}`,
    item('1'),
    item('2'),
    end(),
  ],
  [
    `{"type":4,"invocationId":"u","target":"Doubled","arguments":[],"streamIds":["1"]}`,
    end('1', ',"error":"broken"'),
  ],
];

/** Streams in both directions. What they end with is waited for: they run beside other calls. */
export const streamScripts: readonly Script[] = [
  ...['plain', 'detailed'].map((hub): Script => ({
    name: `streams of ${hub}`,
    async play(stage) {
      for (const message of downloads) {
        const conversation = await stage.start(hub);
        conversation.send(message);
        await conversation.untilHas('"type":3,"invocationId":"s"');
        await conversation.settle();
        await stage.endOf(message, conversation);
      }
    },
  })),
  ...['plain', 'detailed'].map((hub): Script => ({
    name: `streams to ${hub}`,
    async play(stage) {
      for (const messages of uploads) {
        const conversation = await stage.start(hub);
        conversation.send(...messages);
        await conversation.untilHas('"type":3,"invocationId":"u"');
        await conversation.settle();
        await stage.endOf(messages.join(' '), conversation);
      }
    },
  })),
  {
    name: 'streams that are left',
    async play(stage) {
      const cancelled = await stage.start('plain');
      cancelled.send(stream('Endless', '[]'));
      await cancelled.untilHas('"type":2');
      cancelled.send('{"type":5,"invocationId":"S"}', '{"type":5,"invocationId":"other"}');
      await cancelled.settle();
      cancelled.send('{"type":5,"invocationId":"s"}');
      await cancelled.untilHas('"type":3,"invocationId":"s"');
      cancelled.send(stream('Counter', '[1]'));
      await cancelled.until(
        (records) => records.filter((record) => record.includes('"type":3,"invocationId":"s"')).length === 2,
        'the second end',
      );
      await stage.endOf('cancelled, and its id used again', cancelled);

      const doubled = await stage.start('plain');
      doubled.send(stream('Endless', '[]'));
      await doubled.untilHas('"type":2');
      doubled.send(stream('Counter', '[1]'));
      await doubled.untilHas('already in use');
      await doubled.settle();
      await stage.endOf('an id that is in use', doubled);

      const plain = await stage.start('plain');
      plain.send(stream('Endless', '[]'));
      await plain.untilHas('"type":2');
      plain.send('{"type":1,"invocationId":"s","target":"Add","arguments":[1,2]}');
      await plain.untilHas('"result":3');
      await plain.settle();
      await stage.endOf('an id that a stream has, for a call', plain);

      const closing = await stage.start('plain');
      closing.send(stream('Endless', '[]'));
      await closing.untilHas('"type":2');
      closing.send('{"type":7}');
      await closing.untilEnd();
      await stage.endOf('Close during a stream', closing);

      const aborting = await stage.start('plain');
      aborting.send(stream('Endless', '[]'));
      await aborting.untilHas('"type":2');
      aborting.send('{"type":1,"invocationId":"a","target":"Abort","arguments":[]}');
      await aborting.untilEnd();
      const records = await aborting.report();
      stage.note(
        'Abort during a stream',
        records.filter((record) => !record.includes('"type":3')),
      );
    },
  },
  {
    name: 'streams over each transport',
    async play(stage) {
      for (const transport of ['ServerSentEvents', 'LongPolling'] as const) {
        const conversation = await stage.start('plain', { transport });
        conversation.send(stream('Counter', '[3]'));
        await conversation.untilHas('"type":3,"invocationId":"s"');
        conversation.send(upload('Sum', '[5]', '["1"]'), item('1'));
        conversation.send(item('2'), end());
        await conversation.untilHas('"type":3,"invocationId":"u"');
        await stage.endOf(transport, conversation);
      }
    },
  },
];
