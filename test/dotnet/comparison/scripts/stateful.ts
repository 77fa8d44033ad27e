import { RawCoreClient, RS } from '../../../support/core-client.js';
import { RawWebSocket } from '../../../support/web-socket.js';
import { normalized } from '../normalized.js';
import type { Script, Stage } from '../stage.js';

/** A client that replaces its socket. */
class StatefulClient {
  private text = '';
  readonly records: string[] = [];

  private constructor(
    private readonly url: string,
    private socket: RawWebSocket,
  ) {}

  static async start(
    stage: Stage,
    version = 2,
    query = '&useStatefulReconnect=true',
  ): Promise<StatefulClient> {
    const hub = stage.url('stateful');
    const { connectionToken } = await RawCoreClient.negotiate(hub, `negotiateVersion=1${query}`);
    const url = `${hub.replace('http', 'ws')}?id=${connectionToken}`;
    const client = new StatefulClient(url, await RawWebSocket.open(url));
    client.send(`{"protocol":"json","version":${version}}`);
    await client.untilHas('{}');
    return client;
  }

  send(...messages: readonly string[]): void {
    this.socket.send(messages.map((message) => message + RS).join(''));
  }

  /** Takes what comes until a message has this in it; acknowledgements come at their own time and are left out. */
  async untilHas(part: string): Promise<void> {
    for (;;) {
      while (this.text.includes(RS)) {
        const end = this.text.indexOf(RS);
        const record = this.text.slice(0, end);
        this.text = this.text.slice(end + 1);
        if (!record.includes('"type":8') || part.includes('"type":8')) {
          this.records.push(normalized(record));
        }
        if (record.includes(part)) {
          return;
        }
      }
      this.text += await this.socket.nextText(part);
    }
  }

  /** Breaks the line and comes back. */
  async comeBack(): Promise<void> {
    this.socket.destroy();
    await this.socket.closed;
    this.records.push('(the line broke)');
    this.text = '';
    this.socket = await RawWebSocket.open(this.url);
  }

  close(): void {
    this.socket.close(1000);
  }

  get closed(): RawWebSocket['closed'] {
    return this.socket.closed;
  }

  reopen(): Promise<RawWebSocket> {
    return RawWebSocket.open(this.url);
  }
}

const call = (id: string, target = 'Count', args = '[]'): string =>
  `{"type":1,"invocationId":"${id}","target":"${target}","arguments":${args}}`;

/** Sockets that are replaced. */
export const statefulScripts: readonly Script[] = [
  {
    name: 'a socket that is replaced',
    async play(stage) {
      const client = await StatefulClient.start(stage);
      client.send(call('1'), call('2', 'TellCaller', '["hi"]'));
      await client.untilHas('"invocationId":"2"');
      await client.comeBack();
      client.send('{"type":9,"sequenceId":1}', call('1'), call('2', 'TellCaller', '["hi"]'), call('3'));
      await client.untilHas('"invocationId":"3"');
      client.send('{"type":8,"sequenceId":4}', call('4'));
      await client.untilHas('"invocationId":"4"');
      await client.comeBack();
      client.send('{"type":9,"sequenceId":5}', '{"type":6}', call('5'));
      await client.untilHas('"invocationId":"5"');
      client.send('{"type":8,"sequenceId":6}');
      await client.untilHas('"type":8,"sequenceId":5');
      await client.comeBack();
      client.send('{"type":9,"sequenceId":6}', call('6'));
      await client.untilHas('"invocationId":"6"');
      stage.note('everything', client.records);
      client.close();
      await client.closed;
      stage.note(
        'after a close frame',
        await client.reopen().then(
          () => 'open',
          (error: Error) => error.message,
        ),
      );
    },
  },
  {
    name: 'a sequence that is too high',
    async play(stage) {
      const client = await StatefulClient.start(stage);
      client.send(call('1'));
      await client.untilHas('"invocationId":"1"');
      await client.comeBack();
      client.send('{"type":9,"sequenceId":7}');
      await client.untilHas('"type":7');
      stage.note('everything', client.records);
      stage.note('the end', (await client.closed).code);
    },
  },
  {
    name: 'stateful reconnect that was not agreed on',
    async play(stage) {
      const old = await StatefulClient.start(stage, 1);
      old.send(call('1'), '{"type":9,"sequenceId":9}', '{"type":8,"sequenceId":9}', call('2'));
      await old.untilHas('"invocationId":"2"');
      stage.note('handshake version 1', old.records);
      const plain = await StatefulClient.start(stage, 2, '');
      plain.send(call('1'), '{"type":9,"sequenceId":9}', '{"type":8,"sequenceId":9}', call('2'));
      await plain.untilHas('"invocationId":"2"');
      stage.note('negotiated without', plain.records);
      stage.note(
        'a second socket',
        await plain.reopen().then(
          () => 'open',
          (error: Error) => error.message,
        ),
      );
      plain.close();
      old.close();
    },
  },
  {
    name: 'stateful reconnect after the hub has ended it',
    async play(stage) {
      const client = await StatefulClient.start(stage);
      client.send('{"type":1,"target":"Abort","arguments":[]}');
      await client.untilHas('"type":7');
      stage.note('everything', client.records);
      stage.note('the end', (await client.closed).code);
      stage.note(
        'return',
        await client.reopen().then(
          () => 'open',
          (error: Error) => error.message,
        ),
      );
    },
  },
];
