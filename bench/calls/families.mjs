import { ClassicCalls } from '../../dist/protocols/classic/calls.js';
import { readHubMessage } from '../../dist/protocols/classic/hub-message.js';
import { hubResponse } from '../../dist/protocols/classic/hub-response.js';
import { CoreCalls } from '../../dist/protocols/core/calls.js';
import { InvocationSlots } from '../../dist/protocols/core/invocation-slots.js';
import { jsonProtocol } from '../../dist/protocols/core/json-hub-protocol.js';
import { Frame } from '../../dist/transports/frame.js';

const ARGUMENT = { text: 'x'.repeat(32) };

/**
 * The way of a call in each family, from the bytes that have come to the bytes that go: by the library, and without it, by
 * a method that is called straight between the same two ends of the codec.
 *
 * @param {{ invoker: any, catalog: any, options: any }} parts of the application
 */
export function families({ invoker, catalog, options }) {
  const slots = new InvocationSlots(Infinity, () => {});
  return [
    {
      name: 'core',
      /** @param {any} descriptor @param {any} connection */
      through(descriptor, connection) {
        const calls = new CoreCalls(descriptor, descriptor.coreOptions, invoker);
        const message = Buffer.from(
          JSON.stringify({ type: 1, invocationId: '1', target: 'echo', arguments: [ARGUMENT] }),
        );
        return () => {
          const answer = calls.run(connection, jsonProtocol.parse(message), jsonProtocol, {
            slot: slots.slot(),
          });
          return whenDone(answer, (done) => done.frame.webSocket);
        };
      },
      direct() {
        const methods = new Map([['echo', (/** @type {unknown} */ value) => value]]);
        const message = Buffer.from(
          JSON.stringify({ type: 1, invocationId: '1', target: 'echo', arguments: [ARGUMENT] }),
        );
        return () => {
          const call = jsonProtocol.parse(message);
          const method = methods.get(call.target.toLowerCase());
          return jsonProtocol.result(call.invocationId, method(...call.arguments)).frame.webSocket;
        };
      },
    },
    {
      name: 'classic',
      /** @param {any} descriptor @param {any} connection */
      through(descriptor, connection) {
        const calls = new ClassicCalls(options.classic, catalog, invoker);
        const message = JSON.stringify({ H: descriptor.name, M: 'echo', A: [ARGUMENT], I: 1 });
        return () => {
          const answer = calls.run(connection, readHubMessage(message), connection.request);
          return whenDone(answer, (done) => new Frame(done).webSocket);
        };
      },
      direct() {
        const methods = new Map([['echo', (/** @type {unknown} */ value) => value]]);
        const message = JSON.stringify({ H: 'echo', M: 'echo', A: [ARGUMENT], I: 1 });
        return () => {
          const call = readHubMessage(message);
          const result = methods.get(call.method.toLowerCase())(...call.args);
          const { invocationId } = call;
          return new Frame(hubResponse({ invocationId, stateJson: undefined, outcome: { result } }))
            .webSocket;
        };
      },
    },
  ];
}

/** @template T, R @param {T | Promise<T>} value @param {(value: T) => R} go @returns {R | Promise<R>} */
function whenDone(value, go) {
  return value instanceof Promise ? value.then(go) : go(value);
}
