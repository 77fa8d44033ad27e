import { coreTransports } from '../../../support/core-lines.js';
import type { Script } from '../stage.js';

const call = '{"type":1,"invocationId":"1","target":"Echo","arguments":[1]}';

/** Each in a connection of its own, followed by a call that shows whether the connection lives. */
const messages = [
  '{"type":6}',
  '{"type":6,"x":[{"type":7}]}',
  '{"type":6,"invocationId":5}',
  '{"type":6,"headers":5}',
  ' \r\n\t{ "type" : 6 } \n',
  '\ufeff{"type":6}',
  '{"type":6}x',
  '{"type":6}{"type":6}',
  '{"type":6,}',
  '{"type":6} // ping',
  '{"type":6,"type":7}',
  '{"type":7,"type":6}',
  '{"type":6.0}',
  '{"type":6e0}',
  '{"type":6.5}',
  '{"type":"6"}',
  '{"type":null}',
  '{"type":true}',
  '{"type":[6]}',
  '{"type":{}}',
  '{"type":2147483648}',
  '{"Type":6}',
  '{"ty\\u0070e":6}',
  '{}',
  '{',
  '{"type":6',
  '',
  ' ',
  '[]',
  '[{"type":6}]',
  'null',
  'true',
  'false',
  '6',
  '"6"',
  'x',
  'NaN',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[NaN]}',
  "{'type':6}",
  // Invocations.
  call,
  '{"arguments":[1],"target":"Echo","invocationId":"1","type":1}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"x":{"y":[1,2,{}]},"z":null}',
  '{"type":1,"invocationId":"1","target":"Echo"}',
  '{"type":1,"invocationId":"1","arguments":[1]}',
  '{"type":1,"invocationId":"1"}',
  '{"type":1}',
  '{"type":1,"invocationId":"1","target":null,"arguments":[1]}',
  '{"type":1,"invocationId":"1","target":5,"arguments":[1]}',
  '{"type":1,"invocationId":"1","target":"","arguments":[1]}',
  '{"type":1,"invocationId":"1","target":" Echo","arguments":[1]}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":null}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":{}}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":"x"}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[[1,[2]],]}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"arguments":[2]}',
  '{"type":1,"invocationId":null,"target":"Echo","arguments":[1]}',
  '{"type":1,"invocationId":5,"target":"Echo","arguments":[1]}',
  '{"type":1,"invocationId":"","target":"Echo","arguments":[1]}',
  '{"type":1,"target":"Echo","arguments":[1]}',
  '{"type":1,"invocationId":"a\\"b\\\\c<é\\u0000\\u2028>","target":"Echo","arguments":[1]}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"headers":{}}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"headers":{"a":"b"}}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"headers":{"a":5}}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"headers":{"a":null}}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"headers":null}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"headers":[]}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"headers":"x"}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"streamIds":[]}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"streamIds":null}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"streamIds":"x"}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"streamIds":[null]}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"streamIds":[5]}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"streamIds":["x"]}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"error":"x","result":5,"item":6}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"error":5}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"allowReconnect":5}',
  '{"type":1,"invocationId":"1","target":"Echo","arguments":[1],"sequenceId":"x"}',
  // Stream invocations.
  '{"type":4,"target":"Counter","arguments":[1]}',
  '{"type":4,"invocationId":"","target":"Counter","arguments":[1]}',
  '{"type":4,"invocationId":null,"target":"Counter","arguments":[1]}',
  '{"type":4,"invocationId":"1","arguments":[1]}',
  '{"type":4,"invocationId":"1","target":"Counter"}',
  '{"type":4,"invocationId":"1","target":"Counter","arguments":"x"}',
  // Stream items.
  '{"type":2,"invocationId":"x","item":1}',
  '{"type":2,"invocationId":"x","item":null}',
  '{"type":2,"invocationId":"x"}',
  '{"type":2,"item":1}',
  '{"type":2,"invocationId":"","item":1}',
  '{"type":2,"invocationId":null,"item":1}',
  '{"type":2,"invocationId":5,"item":1}',
  '{"type":2}',
  // Completions.
  '{"type":3,"invocationId":"x"}',
  '{"type":3,"invocationId":"x","result":1}',
  '{"type":3,"invocationId":"x","result":null}',
  '{"type":3,"invocationId":"x","error":"e"}',
  '{"type":3,"invocationId":"x","error":""}',
  '{"type":3,"invocationId":"x","error":null}',
  '{"type":3,"invocationId":"x","error":5}',
  '{"type":3,"invocationId":"x","error":"e","result":1}',
  '{"type":3,"invocationId":"x","result":1,"error":"e"}',
  '{"type":3,"invocationId":"x","result":null,"error":"e"}',
  '{"type":3,"invocationId":"x","result":1,"error":""}',
  '{"type":3,"result":1}',
  '{"type":3,"invocationId":"","result":1}',
  '{"type":3,"invocationId":null,"result":1}',
  '{"type":3}',
  // Cancels.
  '{"type":5,"invocationId":"x"}',
  '{"type":5,"invocationId":""}',
  '{"type":5,"invocationId":null}',
  '{"type":5,"invocationId":5}',
  '{"type":5}',
  // Closes.
  '{"type":7}',
  '{"type":7,"error":"e"}',
  '{"type":7,"error":""}',
  '{"type":7,"error":null}',
  '{"type":7,"error":5}',
  '{"type":7,"allowReconnect":true}',
  '{"type":7,"allowReconnect":false}',
  '{"type":7,"allowReconnect":null}',
  '{"type":7,"allowReconnect":"true"}',
  '{"type":7,"allowReconnect":1}',
  // Stateful reconnect, which this connection does not have.
  '{"type":8,"sequenceId":1}',
  '{"type":8,"sequenceId":-1}',
  '{"type":8,"sequenceId":9007199254740993}',
  '{"type":8,"sequenceId":1.5}',
  '{"type":8,"sequenceId":"1"}',
  '{"type":8,"sequenceId":null}',
  '{"type":8}',
  '{"type":9,"sequenceId":1}',
  '{"type":9,"sequenceId":null}',
  '{"type":9}',
];

const echoed = [
  'null',
  'true',
  '"text"',
  '""',
  '0',
  '-1',
  '1.5',
  '9007199254740991',
  '[]',
  '{}',
  '[1,[2,[3,{"a":[]}]]]',
  '{"b":1,"a":{"Z":null}}',
  '"é<>&\'+\\"\\\\\\/\\b\\f\\n\\r\\t"',
  '"\\u00e9\\u0000\\u001f"',
  '{"__proto__":{"x":1},"constructor":1}',
  '"' + 'x'.repeat(5_000) + '"',
  '1.0',
  '1e3',
  '-0',
  '9007199254740993',
  '1e400',
  '0.1000000000000000055511151231257827',
  '"😀\\u007f\\u00a0\\u2028"',
  '"\\ud83d\\ude00"',
  '"\\ud83d"',
  '{"a":1,"a":2}',
  '{"2":1,"1":2,"b":3}',
];

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

/** Hub messages good and bad, over JSON. */
export const messageScripts: readonly Script[] = [
  ...['plain', 'detailed'].map((hub): Script => ({
    name: `messages to ${hub}`,
    async play(stage) {
      for (const message of messages) {
        await stage.converse(message, hub, [message]);
      }
    },
  })),
  {
    name: 'values there and back',
    async play(stage) {
      for (const value of echoed) {
        const conversation = await stage.start('plain');
        conversation.send(`{"type":1,"invocationId":"1","target":"Echo","arguments":[${value}]}`);
        await conversation.settle();
        // As a client in JavaScript reads them: the same value may be written in several ways.
        stage.note(
          value.slice(0, 60),
          conversation.records.map((record) => JSON.parse(record) as unknown),
        );
        conversation.drop();
      }
    },
  },
  {
    name: 'deep values',
    async play(stage) {
      for (const depth of [10, 59, 60, 61, 62, 63, 64, 65, 200]) {
        await stage.converse(`depth ${depth}`, 'detailed', [
          `{"type":1,"invocationId":"1","target":"Echo","arguments":[${nested(depth)}]}`,
        ]);
        await stage.converse(`depth ${depth}, not looked at`, 'detailed', [
          `{"type":6,"x":${nested(depth)}}`,
        ]);
      }
    },
  },
  {
    name: 'sizes',
    async play(stage) {
      const empty = '{"type":1,"invocationId":"1","target":"Echo","arguments":[""]}';
      for (const size of [255, 256, 257, 300, 10_000]) {
        for (const transport of coreTransports) {
          const text = 'x'.repeat(size - empty.length - 1);
          await stage.converse(
            `${size} bytes over ${transport}`,
            'tiny',
            [empty.replace('""', `"${text}"`)],
            { transport },
          );
        }
      }
      await stage.converse('257 bytes in characters of two', 'tiny', [
        empty.replace('""', `"${'é'.repeat((256 - empty.length) / 2)}"`),
      ]);
      await stage.converse(
        'many in one frame',
        'tiny',
        Array.from({ length: 20 }, () => call),
      );
      const conversation = await stage.start('tiny');
      conversation.sendRaw('x'.repeat(300));
      await conversation.untilEnd();
      await stage.endOf('300 bytes of one that does not end', conversation);
      const handshaking = await stage.connect('tiny');
      handshaking.send(`{"protocol":"json","version":1,"x":"${'x'.repeat(300)}"}`);
      await handshaking.untilEnd();
      await stage.endOf('a handshake of more than 300 bytes', handshaking);
    },
  },
  {
    name: 'messages in parts',
    async play(stage) {
      const parts = await stage.start('plain');
      for (const part of [call.slice(0, 10), call.slice(10, 30), call.slice(30)]) {
        parts.sendRaw(part);
      }
      parts.sendRaw('\u001e{"type":1,"invocationId":"2","tar');
      parts.sendRaw('get":"Echo","arguments":["é');
      parts.sendRaw('"]}\u001e{"type":6}\u001e');
      await parts.settle();
      await stage.endOf('in frames', parts);

      const bytes = await stage.start('plain');
      for (const byte of Buffer.from(
        '{"type":1,"invocationId":"1","target":"Echo","arguments":["é😀"]}\u001e',
      )) {
        bytes.sendRaw(Buffer.from([byte]));
      }
      await bytes.settle();
      await stage.endOf('byte by byte', bytes);

      const broken = await stage.start('detailed');
      broken.sendRaw(
        Buffer.from('{"type":1,"invocationId":"1","target":"Echo","arguments":["\xff\xfe"]}\x1e', 'latin1'),
      );
      await broken.settle();
      await stage.endOf('no UTF-8', broken);

      const unfinished = await stage.start('detailed');
      unfinished.sendRaw('{"type":6');
      unfinished.close(1000);
      await unfinished.untilEnd();
      await stage.endOf('not finished', unfinished);
    },
  },
  {
    name: 'messages over each transport',
    async play(stage) {
      for (const transport of coreTransports) {
        const lines = [
          call,
          '{"type":1,"invocationId":"2","target":"Echo","arguments":["a\\nb"]}',
          '{"type":1,"invocationId":"3","target":"Missing","arguments":[]}',
          '{"type":1,"invocationId":"4","target":"Throw","arguments":["hub"]}',
        ];
        await stage.converse(`calls over ${transport}`, 'plain', lines, { transport });
        await stage.converse(`a bad message over ${transport}`, 'detailed', ['{"type":1}'], { transport });
        await stage.converse(`Close over ${transport}`, 'plain', ['{"type":7}'], { transport });
        await stage.converse(
          `Abort over ${transport}`,
          'plain',
          ['{"type":1,"target":"Abort","arguments":[]}'],
          {
            transport,
          },
        );
        await stage.converse(`greeted over ${transport}`, 'plain', [], { transport, query: 'welcome=1' });
      }
    },
  },
];
