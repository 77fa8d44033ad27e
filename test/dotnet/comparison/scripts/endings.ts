import { coreTransports } from '../../../support/core-lines.js';
import type { Conversation, Opening } from '../conversation.js';
import type { Script, Stage } from '../stage.js';

const PING = '{"type":6}';

let names = 0;

/** Ends a connection in some way, and notes what a witness in the same hub hears of that. */
async function witnessed(
  stage: Stage,
  step: string,
  hub: string,
  end: (conversation: Conversation) => unknown,
  opening: Opening = {},
): Promise<void> {
  const name = `connection${++names}`;
  const witness = await stage.start(hub);
  witness.send('{"type":1,"invocationId":"w","target":"Witness","arguments":[]}');
  await witness.untilHas('"invocationId":"w"');
  witness.forget();
  const conversation = await stage.start(hub, { ...opening, query: `name=${name}` });
  await conversation.settle();
  conversation.forget();
  await end(conversation);
  await witness.untilHas(name);
  const gone = (await witness.report())
    .filter((record) => record !== PING)
    .map((record) => record.replaceAll(name, '(it)'));
  stage.note(`${step}: the hub`, gone);
  await conversation.untilEnd();
  stage.note(
    `${step}: the client`,
    (await conversation.report()).filter((record) => record !== PING),
  );
  witness.drop();
}

const abort = '{"type":1,"invocationId":"1","target":"Abort","arguments":[]}';

/** How connections end, and what both sides learn of it. */
export const endingScripts: readonly Script[] = [
  {
    name: 'ends over each transport',
    async play(stage) {
      for (const transport of coreTransports) {
        for (const message of [
          '{"type":7}',
          '{"type":7,"error":"tired"}',
          '{"type":7,"error":""}',
          '{"type":7,"allowReconnect":true}',
          '{"type":1}',
          abort,
        ]) {
          await witnessed(
            stage,
            `${message} over ${transport}`,
            'detailed',
            (client) => client.send(message),
            {
              transport,
            },
          );
        }
      }
      await witnessed(stage, '{"type":1} to plain', 'plain', (client) => client.send('{"type":1}'));
    },
  },
  {
    name: 'ends of sockets',
    async play(stage) {
      for (const code of [undefined, 1000, 1001, 1011, 3000, 4001]) {
        await witnessed(stage, `closed with ${code}`, 'plain', (client) => client.close(code));
      }
      await witnessed(stage, 'dropped', 'plain', (client) => client.drop());
    },
  },
  {
    name: 'hubs that fail',
    async play(stage) {
      for (const hub of ['failing', 'failingDetailed', 'refusing']) {
        for (const transport of coreTransports) {
          await stage.converse(
            `${hub} over ${transport}`,
            hub,
            ['{"type":1,"invocationId":"1","target":"Add","arguments":[1,2]}'],
            { transport },
          );
        }
      }
      await stage.converse(
        'greeted',
        'plain',
        ['{"type":1,"invocationId":"1","target":"Add","arguments":[1,2]}'],
        {
          query: 'welcome=1',
        },
      );
      const farewell = await stage.start('farewell');
      farewell.close(1000);
      await farewell.untilEnd();
      await stage.endOf('farewell after a close frame', farewell);
    },
  },
  {
    name: 'time-outs',
    async play(stage) {
      await witnessed(stage, 'a client that pinged and is silent', 'impatient', (client) =>
        client.send('{"type":6}'),
      );
      // That polling clients are not pinged is seen where nothing comes to their polls.
      for (const transport of ['WebSockets', 'ServerSentEvents'] as const) {
        const silent = await stage.start('impatient', { transport });
        await silent.untilHas(PING);
        await silent.settle();
        stage.note(
          `a client that is silent over ${transport}`,
          (await silent.report()).filter((record) => record !== PING),
        );
        silent.drop();
      }
    },
  },
];
