import { coreTransports } from '../../../support/core-lines.js';
import type { Conversation } from '../conversation.js';
import type { Script } from '../stage.js';

const ask = '{"type":1,"invocationId":"q","target":"AskCaller","arguments":["why?"]}';

/** The id that the server gave its newest question. */
function questionOf(conversation: Conversation): string {
  return [...conversation.rawText.matchAll(/"invocationId":"(s\d+)"/g)].at(-1)?.[1] ?? '';
}

/** How the client answers, by a name. */
const answers = {
  text: ',"result":"because"',
  null: ',"result":null',
  neither: '',
  error: ',"error":"not telling"',
  'empty error': ',"error":""',
};

/** Results of clients. */
export const questionScripts: readonly Script[] = [
  ...['plain', 'detailed'].map((hub): Script => ({
    name: `questions of ${hub}`,
    async play(stage) {
      for (const [name, answer] of Object.entries(answers)) {
        const conversation = await stage.start(hub);
        conversation.send(ask);
        await conversation.untilHas('"target":"Answer"');
        conversation.send(
          '{"type":3,"invocationId":"s0","result":"of nobody"}',
          `{"type":3,"invocationId":"${questionOf(conversation)}"${answer}}`,
          `{"type":3,"invocationId":"${questionOf(conversation)}"${answer}}`,
        );
        await conversation.untilHas('"invocationId":"q"');
        await conversation.settle();
        await stage.endOf(name, conversation);
      }
    },
  })),
  {
    name: 'questions over each transport',
    async play(stage) {
      for (const transport of coreTransports) {
        const conversation = await stage.start('plain', { transport });
        conversation.send(ask, '{"type":1,"invocationId":"2","target":"Add","arguments":[1,2]}');
        await conversation.untilHas('"result":3');
        conversation.send(`{"type":3,"invocationId":"${questionOf(conversation)}","result":"because"}`);
        await conversation.untilHas('"invocationId":"q"');
        await stage.endOf(transport, conversation);
      }
    },
  },
  {
    name: 'questions that go wrong',
    async play(stage) {
      const early = await stage.start('plain', { query: 'ask=1' });
      await early.untilHas('"target":"Asked"');
      await early.settle();
      await stage.endOf('while connecting', early);

      const [asked, other] = [await stage.start('detailed'), await stage.start('detailed')];
      asked.send(ask);
      await asked.untilHas('"target":"Answer"');
      other.send(`{"type":3,"invocationId":"${questionOf(asked)}","result":"of another"}`);
      await other.settle();
      stage.note(
        'answered by another',
        (await other.report()).map((record) =>
          record
            .replaceAll(other.connectionId, '(the other)')
            .replaceAll(questionOf(asked), '(the question)'),
        ),
      );
      asked.send(`{"type":3,"invocationId":"${questionOf(asked)}","result":"mine"}`);
      await asked.untilHas('"invocationId":"q"');
      await stage.endOf('answered by itself after that', asked);
    },
  },
];
