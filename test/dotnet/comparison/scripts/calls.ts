import type { Script } from '../stage.js';

const invoke = (target: string, args: string, id = '1'): string =>
  `{"type":1,"invocationId":"${id}","target":"${target}","arguments":${args}}`;

const calls = [
  invoke('Add', '[1,2]'),
  invoke('add', '[1,2]'),
  invoke('ADD', '[1,2]'),
  invoke('Add', '[1]'),
  invoke('add', '[1]'),
  invoke('Add', '[]'),
  invoke('Add', '[1,2,3]'),
  invoke('Add', '[1,"2"]'),
  invoke('Add', '[1,null]'),
  invoke('Add', '[1,2.5]'),
  invoke('Add', '[1,2147483648]'),
  invoke('Add', '[{},[]]'),
  invoke('Nothing', '[]'),
  invoke('Nothing', '[1]'),
  invoke('NullText', '[]'),
  invoke('Renamed', '[]'),
  invoke('Original', '[]'),
  invoke('Text', '["a"]'),
  invoke('Text', '[null]'),
  invoke('Text', '[1]'),
  invoke('Missing', '[]'),
  invoke('Miss\'ing\\"<é😀>', '[]'),
  invoke('', '[]'),
  invoke('OnConnectedAsync', '[]'),
  invoke('OnDisconnectedAsync', '[null]'),
  invoke('Dispose', '[]'),
  invoke('ToString', '[]'),
  invoke('constructor', '[]'),
  invoke('__proto__', '[]'),
  invoke('hasOwnProperty', '["x"]'),
  invoke('get_Context', '[]'),
  invoke('Context', '[]'),
  invoke('Throw', '["plain"]'),
  invoke('throw', '["hub"]'),
  invoke('Throw', '["odd"]'),
  invoke('Throw', '["empty"]'),
  invoke('Throw', '["lines"]'),
  invoke('ThrowLater', '["plain"]'),
  invoke('ThrowLater', '["hub"]'),
  invoke('Counter', '[1]'),
  invoke('counter', '[1]'),
  invoke('counter', '[]'),
  invoke('NullStream', '[]'),
  invoke('Sum', '[1]'),
  invoke('sum', '[]'),
  invoke('Sum', '[1,[2]]'),
  '{"type":1,"target":"Missing","arguments":[]}',
  '{"type":1,"target":"Throw","arguments":["hub"]}',
  '{"type":1,"target":"Add","arguments":[]}',
  '{"type":1,"target":"Counter","arguments":[1]}',
];

/** Both servers keep the gates of earlier runs. */
let gates = 0;

/** Calls and their answers, who hears what, and what runs at the same time. */
export const callScripts: readonly Script[] = [
  ...['plain', 'detailed'].map((hub): Script => ({
    name: `calls to ${hub}`,
    async play(stage) {
      for (const call of calls) {
        await stage.converse(call, hub, [call]);
      }
    },
  })),
  {
    name: 'what belongs to a connection',
    async play(stage) {
      const counting = await stage.start('plain', {
        query: 'a=1&A=2&b=%C3%A9+%2B&c',
        headers: { 'x-test': 'here' },
      });
      counting.send(
        invoke('Count', '[]', 'a'),
        invoke('Count', '[]', 'b'),
        invoke('Query', '["a"]', 'c'),
        invoke('Query', '["b"]', 'd'),
        invoke('Query', '["c"]', 'e'),
        invoke('Query', '["none"]', 'f'),
        invoke('Header', '["x-test"]', 'g'),
        invoke('User', '[]', 'h'),
      );
      await counting.settle();
      await stage.endOf('query, headers, items', counting);
      for (const transport of ['ServerSentEvents', 'LongPolling'] as const) {
        const polling = await stage.start('plain', {
          query: 'a=1',
          transport,
          headers: { 'x-test': 'here', Authorization: 'Bearer ann' },
        });
        polling.send(
          invoke('Query', '["a"]', 'a'),
          invoke('Header', '["x-test"]', 'b'),
          invoke('User', '[]', 'c'),
        );
        await polling.settle();
        await stage.endOf(`query, headers, user over ${transport}`, polling);
      }
    },
  },
  {
    name: 'who hears what',
    async play(stage) {
      const [ann, bob] = [await stage.start('plain'), await stage.start('plain')];
      ann.send(
        invoke('Join', '["g"]'),
        invoke('Join', '["G"]'),
        invoke('Join', '["g"]'),
        invoke('Join', '["h"]'),
      );
      await ann.settle();
      bob.send(invoke('Join', '["g"]'));
      await bob.settle();
      bob.send(
        invoke('TellCaller', '["caller"]'),
        invoke('TellOthers', '["others"]'),
        invoke('TellGroup', '["g","group"]'),
        invoke('TellGroup', '["G","other case"]'),
        invoke('TellGroup', '["nobody","nobody"]'),
        invoke('TellOthersInGroup', '["g","others in group"]'),
        invoke('TellGroups', '[["g","h"],"two groups"]'),
        invoke('TellGroups', '[[],"no groups"]'),
        invoke('TellClient', `["${ann.connectionId}","alone"]`),
        invoke('TellClient', '["nobody","nobody"]'),
      );
      await bob.settle();
      ann.send(invoke('Leave', '["g"]'), invoke('Leave', '["never"]'));
      await ann.settle();
      bob.send(invoke('TellGroup', '["g","after she left"]'));
      await bob.settle();
      await ann.settle();
      await stage.endOf('bob', bob);
      await stage.endOf('ann', ann);
    },
  },
  {
    name: 'what runs at the same time',
    async play(stage) {
      for (const hub of ['plain', 'parallel']) {
        const gate = `${hub}-${++gates}`;
        const keeper = await stage.start('plain');
        const client = await stage.start(hub);
        client.send(
          invoke('Wait', `["${gate}-1"]`, 'a'),
          '{"type":4,"invocationId":"s","target":"Counter","arguments":[1]}',
          invoke('Wait', `["${gate}-2"]`, 'b'),
          invoke('Add', '[1,2]', 'c'),
        );
        await client.untilHas('"type":3,"invocationId":"s"');
        keeper.send(invoke('Open', `["${gate}-2"]`));
        await keeper.settle();
        // With one slot the second call has not even begun.
        await (hub === 'parallel' ? client.untilHas('"invocationId":"c"') : undefined);
        keeper.send(invoke('Open', `["${gate}-1"]`));
        await client.untilHas('"invocationId":"a"');
        await client.settle();
        await stage.endOf(hub, client);
      }
      const client = await stage.start('plain');
      client.send(invoke('Add', '[1,1]', 'a'), invoke('Add', '[1,2]', 'a'), invoke('Add', '[1,3]', 'a'));
      await client.settle();
      await stage.endOf('one id three times', client);
    },
  },
];
