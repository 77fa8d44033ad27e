import assert from 'node:assert/strict';

import type { NodeCommand } from '../../messaging/node-command.js';
import type { NodeNote } from '../../messaging/node-note.js';
import type { FarmCheck, FarmNode } from './backplane-farm.js';
import { call } from './recording-node.js';

/** How long, in milliseconds, a command may be on its way that nobody will acknowledge. */
const HOPELESS = 20;

async function own({ backplane, node }: FarmNode, connectionId: string): Promise<void> {
  node.owned.add(connectionId);
  await backplane.directory.add({
    connectionId,
    nodeId: node.id,
    protocol: 'core',
    hubs: [],
    userId: undefined,
  });
}

/** What nodes have each other do and tell each other. */
export const nodeChecks: readonly FarmCheck[] = [
  {
    name: 'has the owner of a connection carry out a command, wherever it is',
    async run(farm) {
      const [here, there] = await farm.two();
      await own(there, 'c');
      const command: NodeCommand = { type: 'addToGroup', connectionId: 'c', topic: 'g' };
      assert.equal(await here.backplane.command(command, farm.deadline), true);
      assert.deepEqual(there.node.commands, [command]);
      assert.deepEqual(here.node.commands, []);
    },
  },
  {
    name: 'gives back what the client of another node has answered',
    async run(farm) {
      const [here, there] = await farm.two();
      await own(there, 'c');
      there.node.acknowledgement = { type: 'result', result: { text: 'yes', numbers: [1, null] } };
      const command: NodeCommand = {
        type: 'ask',
        connectionId: 'c',
        call: call('?'),
        timeout: farm.deadline,
      };
      assert.deepEqual(await here.backplane.command(command, farm.deadline), there.node.acknowledgement);
      assert.deepEqual(there.node.commands, [command]);
    },
  },
  {
    name: 'says so when nobody owns the connection',
    async run(farm) {
      const { backplane } = await farm.one();
      const command: NodeCommand = { type: 'removeFromGroup', connectionId: 'nobody', topic: 'g' };
      await assert.rejects(backplane.command(command, HOPELESS), { code: 'SIGNALR_ACK_TIMEOUT' });
    },
  },
  {
    name: 'hands notes to the node that they are for, in order, and knows when there is none',
    async run(farm) {
      const [here, there] = await farm.two();
      const notes = Array.from({ length: 50 }, (_, index): NodeNote => {
        return { type: 'relay', relay: 'r', say: { part: 'data', data: [`${index}`, { base64: 'AA==' }] } };
      });
      const told = await Promise.all(notes.map(async (note) => here.backplane.tell('n1', note)));
      assert.deepEqual(new Set(told), new Set([true]));
      for (const [index, note] of notes.entries()) {
        assert.deepEqual(await there.node.heard.next(`note ${index + 1}`), { note, from: 'n0' });
      }
      assert.deepEqual(here.node.heard.pending, []);
      assert.equal(await here.backplane.tell('nobody', { type: 'alive' }), false);
    },
  },
];
