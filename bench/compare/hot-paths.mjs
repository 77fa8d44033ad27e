/**
 * Measures the hot paths of one build, without a network, and prints one line of JSON: nanoseconds of CPU time per operation by name.
 * `revisions.mjs` starts it: `node hot-paths.mjs <folder of the build>`. A path that this build does not have is left out.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { recordOf, textOf } from '../load/payload.mjs';
import { decorateClass, decorateMethod } from '../servers/decorate.mjs';

const build = process.argv[2];
const milliseconds = 60;
const slices = 7;
const receivers = 200;

const { Hub, HubMethod, MemoryBackplane, SignalRHub, SignalRModule, HubContextRegistry } =
  await part('index');
const { createTestClient } = await part('testing/index');
const { SignalRServer } = await part('nest/signalr.server');
const { jsonProtocol } = await part('protocols/core/json-hub-protocol');
const { readHubMessage } = await part('protocols/classic/hub-message');
const { hubResponse } = await part('protocols/classic/hub-response');
const { Frame } = await part('transports/frame');

class EchoHub extends SignalRHub {
  /** @param {unknown} value */
  echo(value) {
    return value;
  }
}
decorateMethod(EchoHub, 'echo', HubMethod());
decorateClass(EchoHub, Hub('echoHub'));
class AppModule {}
decorateClass(AppModule, Module({ imports: [SignalRModule.forRoot()], providers: [EchoHub] }));
const app = await NestFactory.create(AppModule, { logger: ['error'] });
await app.init();

const text = textOf(32, 1_000);
const record = recordOf(1_024, 1_000);
const call = { arguments: [text], invocationId: '1', target: 'echo', type: 1 };
const coreCall = Buffer.from(JSON.stringify(call));
const coreRecord = Buffer.from(JSON.stringify({ ...call, arguments: [record] }));
const classicCall = JSON.stringify({ H: 'echohub', M: 'echo', A: [text], I: 1 });
const response = { invocationId: '1', stateJson: undefined, outcome: { result: text } };

/** @type {Record<string, () => unknown>} */
const paths = {
  'parse, Core': () => jsonProtocol.parse(coreCall),
  'parse, Core, record of 1 KiB': () => jsonProtocol.parse(coreRecord),
  'parse, classic': () => readHubMessage(classicCall),
  'write, Core': () => jsonProtocol.result('1', text, 'The result').frame.webSocket,
  'write, Core, record of 1 KiB': () => jsonProtocol.result('1', record, 'The result').frame.webSocket,
  'write, classic': () => new Frame(hubResponse(response)).webSocket,
};
await addDispatch('core', Buffer.concat([coreCall, Buffer.from('\x1e')]));
await addDispatch('classic', Buffer.from(classicCall));
addBus();
await addFanOut();

/** @type {Record<string, number>} */
const costs = {};
for (const [name, run] of Object.entries(paths)) {
  costs[name] = await measure(run);
}
console.log(JSON.stringify(costs));
process.exit(0);

/** @param {string} name */
async function part(name) {
  return import(`${build}/${name}.js`);
}

/** From the bytes of a call to the bytes of its answer, through a session. @param {'core' | 'classic'} protocol @param {Buffer} bytes */
async function addDispatch(protocol, bytes) {
  const connection = await connect(protocol);
  paths[`dispatch, ${protocol}`] = () => connection.onData(Buffer.from(bytes), false);
}

/** A message through the log of the embedded backplane. */
function addBus() {
  const backplane = new MemoryBackplane();
  void backplane.start({ id: 'node', deliver: () => {}, execute: () => false });
  void backplane.subscribe('h-echoHub');
  const message = { type: 'call', hub: 'echoHub', method: 'notify', argumentsJson: '[1]' };
  paths.bus = () => backplane.publish('h-echoHub', message);
}

/** A broadcast to so many connections, several of them in a turn. */
async function addFanOut() {
  for (let receiver = 0; receiver < receivers; receiver++) {
    await connect('core');
  }
  const { clients } = app.get(HubContextRegistry, { strict: false }).get(EchoHub);
  paths[`fan-out to ${receivers}`] = () => clients.all.notify(text);
}

/** A connection whose frames go nowhere. @param {'core' | 'classic'} protocol */
async function connect(protocol) {
  await createTestClient(app, EchoHub, { protocol });
  const connection = [...app.get(SignalRServer, { strict: false }).registry].at(-1);
  const nothing = () => {};
  connection.channel = {
    transport: 'webSockets',
    writable: true,
    send: (/** @type {any[]} */ frames) => frames.forEach((frame) => frame.webSocket),
    keepAlive: nothing,
    pause: nothing,
    resume: nothing,
    end: nothing,
    destroy: nothing,
  };
  return connection;
}

/** The lowest of some slices: what disturbs can only add. @param {() => unknown} run */
async function measure(run) {
  const found = [];
  for (let slice = 0; slice <= slices; slice++) {
    const begin = process.cpuUsage();
    const end = performance.now() + milliseconds;
    let operations = 0;
    while (performance.now() < end) {
      for (let i = 0; i < 16; i++) {
        run();
      }
      operations += 16;
      // What was collected is written at the end of the turn, and belongs to the cost.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { user, system } = process.cpuUsage(begin);
    found.push(((user + system) * 1_000) / operations);
  }
  return Math.min(...found.slice(1));
}
