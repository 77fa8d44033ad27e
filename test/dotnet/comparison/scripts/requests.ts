import { RawCoreClient } from '../../../support/core-client.js';
import { http, refusedUpgrade } from '../../../support/http.js';
import { HttpStream } from '../../../support/http-stream.js';
import { RawWebSocket } from '../../../support/web-socket.js';
import { type Script, type Stage, summary } from '../stage.js';

const HANDSHAKE = '{"protocol":"json","version":1}\u001e';
const CALL = '{"type":1,"invocationId":"1","target":"Add","arguments":[1,2]}\u001e';

const STREAM = { Accept: 'text/event-stream' };

/** A new connection, as requests name it. */
async function negotiated(stage: Stage, hub = 'plain', version = 1): Promise<string> {
  const { connectionToken, connectionId } = await RawCoreClient.negotiate(
    stage.url(hub),
    `negotiateVersion=${version}`,
  );
  return `${hub}?id=${connectionToken ?? connectionId}`;
}

/** A poll or event stream that is left open, without its end. */
async function open(stage: Stage, path: string, headers: Record<string, string> = {}): Promise<HttpStream> {
  return HttpStream.open('GET', stage.url(path), { headers });
}

/** Notes the answer to a poll that was held. */
async function answerOf(stage: Stage, step: string, poll: Promise<HttpStream>): Promise<void> {
  const { status, headers, ended } = await poll;
  stage.note(step, summary({ status, headers, reason: '', body: await ended }));
}

/** Gives a request that is under way, but never answered, the time to arrive: that of several others. */
async function letArrive(stage: Stage, path: string): Promise<void> {
  for (let count = 0; count < 3; count++) {
    await http('POST', stage.url(path), { body: '' });
  }
}

/** A poll that the server holds: it has ended an older one, which is given as well. */
async function holding(
  stage: Stage,
  path: string,
): Promise<{ older: HttpStream; held: Promise<HttpStream> }> {
  const first = open(stage, `${path}&n=1`);
  await letArrive(stage, path);
  const held = open(stage, `${path}&n=2`);
  const older = await first;
  await letArrive(stage, path);
  return { older, held };
}

/** Waits until nothing is left of a connection: the original still answers for it while it tidies up. */
async function untilGone(stage: Stage, path: string): Promise<void> {
  const deadline = performance.now() + 5_000;
  for (;;) {
    const { body } = await http('GET', stage.url(path));
    if (body === 'No Connection with that ID') {
      return;
    }
    if (performance.now() > deadline) {
      throw new Error(`${path} is still there: ${body}`);
    }
  }
}

/** Every event that came until the stream ended. */
async function eventsOf(stage: Stage, step: string, stream: HttpStream): Promise<void> {
  const { status, headers, ended } = stream;
  const body = await ended;
  stage.note(
    step,
    summary({ status, headers: { ...headers, 'x-accel-buffering': undefined }, reason: '', body }),
  );
}

/** Requests one by one, in the orders that clients use and in others. */
/** Polls until something has come, and gives all that has. */
async function pollFor(stage: Stage, path: string, wanted: string): Promise<string> {
  let text = '';
  while (!text.includes(wanted)) {
    text += (await http('GET', stage.url(path))).body;
  }
  return text;
}

/** Polls until nothing more comes. How much of it one answer holds is a matter of moments, in the original as well. */
async function rest(stage: Stage, path: string): Promise<string> {
  let text = '';
  for (;;) {
    const { status, body } = await http('GET', stage.url(path));
    if (status !== 200) {
      return text;
    }
    text += body;
  }
}

export const requestScripts: readonly Script[] = [
  {
    name: 'requests with an id that is missing or unknown',
    async play(stage) {
      for (const query of [
        '',
        '?id',
        '?id=',
        '?id=%20',
        '?x=1',
        '?id=unknown',
        '?ID=unknown',
        '?id=a&id=b',
        '?id=%00',
        `?id=${'x'.repeat(5_000)}`,
      ]) {
        const step = query.slice(0, 20);
        await stage.request(`poll ${step}`, 'GET', `plain${query}`);
        await stage.request(`stream ${step}`, 'GET', `plain${query}`, { headers: STREAM });
        await stage.request(`POST ${step}`, 'POST', `plain${query}`, { body: HANDSHAKE });
        await stage.request(`DELETE ${step}`, 'DELETE', `plain${query}`);
      }
      for (const query of ['?id=unknown', '?id=a&id=b', '?ID=unknown']) {
        stage.note(`upgrade ${query}`, summary(await refusedUpgrade(stage.url(`plain${query}`))));
      }
      const { connectionId } = await RawCoreClient.negotiate(stage.url('plain'));
      await stage.request('the connection id instead of the token', 'GET', `plain?id=${connectionId}`);
    },
  },
  {
    name: 'sockets without negotiation',
    async play(stage) {
      for (const query of ['', '?id=', '?x=1']) {
        const socket = await RawWebSocket.open(stage.url(`plain${query}`).replace('http', 'ws'));
        socket.send(HANDSHAKE + CALL);
        // Both answers may come together or one by one.
        let answers = await socket.nextText();
        while (!answers.includes('"type":3')) {
          answers += await socket.nextText();
        }
        stage.note(`socket ${query}`, answers);
        socket.close();
      }
      const socket = await RawWebSocket.open(
        stage.url(await negotiated(stage, 'plain', 0)).replace('http', 'ws'),
      );
      socket.send(HANDSHAKE);
      stage.note('version 0', await socket.nextText());
      socket.close();
    },
  },
  {
    name: 'what upgrades are answered with',
    async play(stage) {
      const upgrade = async (step: string, path: string, headers: Record<string, string>): Promise<void> => {
        const stream = await HttpStream.open('GET', stage.url(path), { headers });
        stage.note(step, {
          status: stream.status,
          type: stream.headers['content-type'],
          body: stream.status === 200 ? undefined : await stream.ended,
        });
        stream.destroy();
      };
      const socket = {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      };
      await upgrade('an upgrade that accepts events', await negotiated(stage), { ...socket, ...STREAM });
      await upgrade('sockets are off', await negotiated(stage, 'polls'), socket);
      await upgrade('polls are off', await negotiated(stage, 'sockets'), {});
      await upgrade('streams are off', await negotiated(stage, 'sockets'), STREAM);
      await upgrade('streams are off, for polls', await negotiated(stage, 'polls'), STREAM);
    },
  },
  {
    name: 'what a request accepts',
    async play(stage) {
      for (const accept of [
        '*/*',
        'text/*',
        'text/html, text/event-stream',
        'TEXT/EVENT-STREAM',
        'text/event-stream;q=0.5',
        'text/event-stream; charset=utf-8',
        'text/event-streams',
        ' text/event-stream ',
        'application/json,text/event-stream,',
      ]) {
        const stream = await open(stage, await negotiated(stage), { Accept: accept });
        stage.note(accept, { status: stream.status, type: stream.headers['content-type'] });
        stream.destroy();
      }
    },
  },
  {
    name: 'a life of polls',
    async play(stage) {
      const path = await negotiated(stage);
      await stage.request('DELETE before the first poll', 'DELETE', path);
      await stage.request('first poll', 'GET', path);
      const held = open(stage, path);
      await stage.request('handshake', 'POST', path, { body: HANDSHAKE });
      await answerOf(stage, 'second poll', held);
      await stage.request('two calls', 'POST', path, { body: CALL + CALL.replace('"1"', '"2"') });
      stage.note('what two calls give', await pollFor(stage, path, '"invocationId":"2"'));
      await stage.request('half a call', 'POST', path, { body: CALL.slice(0, 20) });
      await stage.request('the other half', 'POST', path, { body: CALL.slice(20) });
      await answerOf(stage, 'fourth poll', open(stage, path));
      await stage.request('nothing', 'POST', path, { body: '' });
      for (const type of [
        'application/json',
        'application/x-www-form-urlencoded',
        'application/octet-stream',
        'multipart/form-data',
        'x',
      ]) {
        await stage.request(`type ${type}`, 'POST', path, { headers: { 'Content-Type': type }, body: CALL });
        await answerOf(stage, `poll after type ${type}`, open(stage, path));
      }
      await stage.request('event stream instead', 'GET', path, { headers: STREAM });
      stage.note('socket instead', summary(await refusedUpgrade(stage.url(path))));
      await stage.request('HEAD', 'HEAD', path);
      await stage.request('PUT', 'PUT', path);
      const { held: last } = await holding(stage, path);
      await stage.request('DELETE', 'DELETE', path);
      // With a Close or with nothing, as it happens in the original.
      stage.note('the last poll is answered', [200, 204].includes((await last).status));
      await untilGone(stage, path);
      await stage.request('poll after the end', 'GET', path);
      await stage.request('POST after the end', 'POST', path, { body: CALL });
      await stage.request('DELETE after the end', 'DELETE', path);
    },
  },
  {
    name: 'polls that meet',
    async play(stage) {
      const path = await negotiated(stage);
      await stage.request('first poll', 'GET', path);
      await stage.request('handshake', 'POST', path, { body: HANDSHAKE });
      await answerOf(stage, 'its answer', open(stage, path));
      const { older, held: newer } = await holding(stage, path);
      await answerOf(stage, 'the older one', Promise.resolve(older));
      await stage.request('call', 'POST', path, { body: CALL });
      await answerOf(stage, 'the newer one', newer);
    },
  },
  {
    name: 'the end of polls',
    async play(stage) {
      const abort = '{"type":1,"target":"Abort","arguments":[]}\u001e';
      const path = await negotiated(stage);
      await stage.request('first poll', 'GET', path);
      await stage.request('handshake', 'POST', path, { body: HANDSHAKE });
      await answerOf(stage, 'its answer', open(stage, path));
      await stage.request('call and abort', 'POST', path, { body: CALL + abort });
      stage.note('what is left', await rest(stage, path));
      await untilGone(stage, path);
      await stage.request('after the end', 'GET', path);

      const early = await negotiated(stage);
      await stage.request('early: first poll', 'GET', early);
      const { held } = await holding(stage, early);
      await stage.request('early: DELETE', 'DELETE', early);
      await answerOf(stage, 'early: the held poll', held);
      await untilGone(stage, early);
      await stage.request('early: after the end', 'GET', early);

      const refused = await negotiated(stage);
      await stage.request('refused: first poll', 'GET', refused);
      await stage.request('refused: handshake', 'POST', refused, {
        body: '{"protocol":"xml","version":1}\u001e',
      });
      await answerOf(stage, 'refused: its answer', open(stage, refused));
      await answerOf(stage, 'refused: the end', open(stage, refused));
      await untilGone(stage, refused);
      await stage.request('refused: after the end', 'GET', refused);

      const posted = await negotiated(stage);
      await stage.request('POST before the first poll', 'POST', posted, { body: HANDSHAKE + CALL });
      await stage.request('the first poll after a POST', 'GET', posted);
      await answerOf(stage, 'the second poll after it', open(stage, posted));
    },
  },
  {
    name: 'polls that nothing comes to',
    async play(stage) {
      const path = await negotiated(stage, 'impatient');
      await stage.request('first poll', 'GET', path);
      await stage.request('handshake', 'POST', path, { body: HANDSHAKE });
      await answerOf(stage, 'its answer', open(stage, path));
      await answerOf(stage, 'an empty one', open(stage, path));
      await answerOf(stage, 'and another one', open(stage, path));
      await stage.request('call', 'POST', path, { body: CALL });
      await answerOf(stage, 'its result', open(stage, path));
    },
  },
  {
    name: 'a life of events',
    async play(stage) {
      const path = await negotiated(stage);
      const stream = await open(stage, path, STREAM);
      await stream.contains(':\r\n');
      await stage.request('handshake', 'POST', path, { body: HANDSHAKE });
      await stream.contains('{}');
      await stage.request('second stream', 'GET', path, { headers: STREAM });
      await stage.request('poll instead', 'GET', path);
      stage.note('socket instead', summary(await refusedUpgrade(stage.url(path))));
      await stage.request('DELETE', 'DELETE', path);
      await stage.request('call', 'POST', path, { body: CALL });
      await stream.contains('"result":3');
      await stage.request('abort', 'POST', path, {
        body: '{"type":1,"target":"Abort","arguments":[]}\u001e',
      });
      await eventsOf(stage, 'the stream', stream);
      await untilGone(stage, path);
      await stage.request('POST after the end', 'POST', path, { body: CALL });
      await stage.request('stream after the end', 'GET', path, { headers: STREAM });
    },
  },
  {
    name: 'requests for a connection with a socket',
    async play(stage) {
      const path = await negotiated(stage);
      const socket = await RawWebSocket.open(stage.url(path).replace('http', 'ws'));
      socket.send(HANDSHAKE);
      await socket.nextText();
      await stage.request('POST', 'POST', path, { body: CALL });
      await stage.request('DELETE', 'DELETE', path);
      await stage.request('poll', 'GET', path);
      await stage.request('stream', 'GET', path, { headers: STREAM });
      stage.note('second socket', summary(await refusedUpgrade(stage.url(path))));
      socket.send(CALL);
      stage.note('the socket lives', await socket.nextText());
      socket.close(1000);
      await socket.closed;
      await untilGone(stage, path);
      await stage.request('after the end', 'GET', path);
    },
  },
];
