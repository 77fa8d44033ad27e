import { coreTransports } from '../../../support/core-lines.js';
import type { Script, Stage } from '../stage.js';

const good = '{"protocol":"json","version":1}';

const handshakes = [
  good,
  '{"version":1,"protocol":"json"}',
  ' \t\r\n{ "protocol" : "json" , "version" : 1 } \r\n',
  '{"protocol":"json","version":1,"x":{"protocol":"xml","y":[1,{}]}}',
  '{"protocol":"JSON","version":1}',
  '{"protocol":"json","version":2}',
  '{"protocol":"json","version":0}',
  '{"protocol":"json","version":-5}',
  '{"protocol":"json","version":3}',
  '{"protocol":"json","version":2147483647}',
  '{"protocol":"json","version":2147483648}',
  '{"protocol":"json","version":-2147483648}',
  '{"protocol":"json","version":1.0}',
  '{"protocol":"json","version":1.5}',
  '{"protocol":"json","version":1e0}',
  '{"protocol":"json","version":01}',
  '{"protocol":"json","version":"1"}',
  '{"protocol":"json","version":null}',
  '{"protocol":"json","version":true}',
  '{"protocol":"json","version":[1]}',
  '{"protocol":"json"}',
  '{"version":1}',
  '{"protocol":null,"version":1}',
  '{"protocol":1,"version":1}',
  '{"protocol":["json"],"version":1}',
  '{"protocol":"","version":1}',
  '{"protocol":" json","version":1}',
  '{"protocol":"xml","version":1}',
  '{"protocol":"xml","version":9}',
  '{"protocol":"JSON","version":9}',
  '{"protocol":"o\'\\"<é😀>\\n","version":1}',
  '{"protocol":"__proto__","version":1}',
  '{"protocol":"constructor","version":1}',
  '{"Protocol":"json","version":1}',
  '{"protocol":"json","Version":1}',
  '{"proto\\u0063ol":"j\\u0073on","version":1}',
  '{"protocol":"xml","protocol":"json","version":1}',
  '{"protocol":"json","version":9,"version":1}',
  '{"protocol":"json","version":1,}',
  '{"protocol":"json","version":1}x',
  '{"protocol":"json","version":1}{"type":6}',
  '{"protocol":"json","version":1 /* one */}',
  "{'protocol':'json','version':1}",
  '\ufeff{"protocol":"json","version":1}',
  '{}',
  '{',
  '',
  ' ',
  '[]',
  'null',
  'true',
  '1',
  '"json"',
  'json',
  '{"type":6}',
  '{"type":7}',
  'GET / HTTP/1.1',
] as const;

/** Shakes hands, and shows by a call whether that worked. */
async function shake(stage: Stage, step: string, hub: string, data: string | Buffer): Promise<void> {
  const conversation = await stage.connect(hub);
  conversation.sendRaw(data);
  await conversation.settle();
  await stage.endOf(step, conversation);
}

/** Handshakes good and bad. */
export const handshakeScripts: readonly Script[] = [
  ...['plain', 'detailed'].map((hub): Script => ({
    name: `handshakes with ${hub}`,
    async play(stage) {
      for (const handshake of handshakes) {
        await shake(stage, handshake, hub, `${handshake}\u001e`);
      }
      await shake(stage, 'no UTF-8', hub, Buffer.from('{"protocol":"js\xff\xfe","version":1}\x1e', 'latin1'));
      await shake(stage, 'as binary', hub, Buffer.from(`${good}\u001e`));
      await shake(
        stage,
        'with a call',
        hub,
        `${good}\u001e{"type":1,"invocationId":"1","target":"Nothing","arguments":[]}\u001e`,
      );
      await shake(stage, 'twice', hub, `${good}\u001e${good}\u001e`);
      await shake(stage, '32,768 bytes', hub, `${good}${' '.repeat(32_768 - good.length - 1)}\u001e`);
      await shake(stage, '32,769 bytes', hub, `${good}${' '.repeat(32_769 - good.length - 1)}\u001e`);
      await shake(stage, 'too much', hub, 'x'.repeat(40_000));
    },
  })),
  {
    name: 'handshakes over each transport',
    async play(stage) {
      for (const transport of coreTransports) {
        for (const handshake of [good, '{"protocol":"xml","version":1}', '{}']) {
          const conversation = await stage.connect('detailed', { transport });
          conversation.send(handshake);
          await conversation.settle();
          await stage.endOf(`${handshake} over ${transport}`, conversation);
        }
      }
    },
  },
  {
    name: 'a handshake that does not come',
    async play(stage) {
      for (const transport of coreTransports) {
        const conversation = await stage.connect('impatient', { transport });
        await conversation.untilEnd();
        await stage.endOf(transport, conversation);
      }
    },
  },
  {
    name: 'a handshake in parts',
    async play(stage) {
      const conversation = await stage.connect('plain');
      for (const character of `${good}\u001e`) {
        conversation.sendRaw(character);
      }
      await conversation.settle();
      await stage.endOf('byte by byte', conversation);
    },
  },
];
