import assert from 'node:assert/strict';

import { Inbox } from '../inbox.js';
import type { FarmCheck } from './backplane-farm.js';

/** Who is connected, where, and in which groups. */
export const directoryChecks: readonly FarmCheck[] = [
  {
    name: 'a connection has one owner, whoever claims it first, and none after its node has left',
    async run(farm) {
      const [here, there] = await farm.two();
      const entry = { connectionId: '1', protocol: 'classic', hubs: [], userId: undefined } as const;
      const claims = await Promise.all([
        here.backplane.directory.claim({ ...entry, nodeId: 'n0' }),
        there.backplane.directory.claim({ ...entry, nodeId: 'n1' }),
      ]);
      const [{ nodeId }] = claims;
      assert.deepEqual(
        claims.map((claim) => claim.nodeId),
        [nodeId, nodeId],
      );
      const taken = await here.backplane.directory.claim({ ...entry, nodeId: 'n2' }, nodeId);
      assert.equal(taken.nodeId, 'n2');
      await here.backplane.directory.claim({ ...entry, nodeId }, 'n2');

      const [owner, other] = nodeId === 'n0' ? [here, there] : [there, here];
      await farm.leave(owner);
      const { nodeId: heir } = await other.backplane.directory.claim({ ...entry, nodeId: other.node.id });
      assert.equal(heir, other.node.id);
    },
  },
  {
    name: 'an entry that is only a route is found, but not counted',
    async run(farm) {
      const [here, there] = await farm.two();
      await here.backplane.directory.add({
        connectionId: '1',
        nodeId: 'n0',
        protocol: 'core',
        hubs: ['ChatHub'],
        userId: undefined,
        isRouteOnly: true,
      });
      const { directory } = there.backplane;
      assert.equal((await directory.find('1'))?.nodeId, 'n0');
      assert.equal(await directory.count({ hub: 'ChatHub' }), 0);
      assert.deepEqual(await directory.list({ hub: 'ChatHub' }), []);
    },
  },
  {
    name: 'knows who is connected, with whom and in which groups',
    async run(farm) {
      const [here, there] = await farm.two();
      const entry = { nodeId: 'n0', protocol: 'core', hubs: ['ChatHub'], userId: 'ann' } as const;
      await here.backplane.directory.add({ ...entry, connectionId: '1' });
      await there.backplane.directory.add({ ...entry, connectionId: '2', nodeId: 'n1', userId: 'bob' });
      await here.backplane.directory.joined('1', 'g-ChatHub.a');
      const { directory } = there.backplane;
      assert.equal((await directory.find('1'))?.nodeId, 'n0');
      assert.equal(await directory.count({ hub: 'ChatHub' }), 2);
      assert.equal(await directory.count({ hub: 'OtherHub' }), 0);
      const ofBob = await directory.list({ userId: 'bob' });
      assert.deepEqual(
        ofBob.map(({ connectionId }) => connectionId),
        ['2'],
      );
      assert.equal(await directory.count({ groupTopic: 'g-ChatHub.a' }), 1);
      await here.backplane.directory.left('1', 'g-ChatHub.a');
      assert.equal(await directory.count({ groupTopic: 'g-ChatHub.a' }), 0);
      await here.backplane.directory.joined('1', 'g-ChatHub.a');
      await here.backplane.directory.remove('1');
      assert.equal(await directory.find('1'), undefined);
      assert.equal(await directory.count({ groupTopic: 'g-ChatHub.a' }), 0);
      await here.backplane.directory.add({ ...entry, connectionId: '3', hubs: [], path: '/echo' });
      assert.equal((await directory.find('3'))?.path, '/echo');
    },
  },
  {
    name: 'knows the groups of connections on all nodes',
    async run(farm) {
      const [here, there] = await farm.two();
      const { directory } = there.backplane;
      const entry = { nodeId: 'n0', protocol: 'core', hubs: ['ChatHub'], userId: 'ann' } as const;
      await here.backplane.directory.add({ ...entry, connectionId: '1' });
      await here.backplane.directory.add({ ...entry, connectionId: '2' });
      await here.backplane.directory.joined('1', 'g-ChatHub.a');
      assert.deepEqual(await directory.groupsOf('1'), ['g-ChatHub.a']);
      assert.deepEqual(await directory.groupsOf('2'), []);
      // What has changed of a connection leaves its groups alone.
      await here.backplane.directory.add({ ...entry, connectionId: '1', hubs: ['ChatHub', 'OtherHub'] });
      assert.deepEqual(await directory.groupsOf('1'), ['g-ChatHub.a']);
      await here.backplane.directory.remove('1');
      assert.deepEqual(await directory.groupsOf('1'), []);
    },
  },
  {
    name: 'knows the groups of users on all nodes',
    async run(farm) {
      const [here, there] = await farm.two();
      await here.backplane.directory.addUserGroup('u-ChatHub.ann', 'g-ChatHub.b');
      assert.deepEqual(await there.backplane.directory.userGroups('u-ChatHub.ann'), ['g-ChatHub.b']);
      await there.backplane.directory.removeUserGroup('u-ChatHub.ann', 'g-ChatHub.b');
      assert.deepEqual(await here.backplane.directory.userGroups('u-ChatHub.ann'), []);
    },
  },
  {
    name: 'tells of users who come with their first connection and go with their last, as long as somebody watches',
    async run(farm) {
      const [here, there] = await farm.two();
      const { directory } = there.backplane;
      const changes = new Inbox<string>(farm.deadline);
      const stop = directory.watch(({ hub, userId, online }) =>
        changes.put(`${userId} ${online ? 'came to' : 'left'} ${hub}`),
      );
      // Whatever was asked for before is done when this is.
      await there.backplane.subscribe('t');
      const entry = { nodeId: 'n0', protocol: 'core', hubs: ['ChatHub'], userId: 'ann' } as const;
      await here.backplane.directory.add({ ...entry, connectionId: '1' });
      await here.backplane.directory.add({ ...entry, connectionId: '2' });
      await here.backplane.directory.add({ ...entry, connectionId: '1', hubs: ['ChatHub', 'OtherHub'] });
      await here.backplane.directory.remove('1');
      await here.backplane.directory.remove('2');
      for (const expected of [
        'ann came to ChatHub',
        'ann came to OtherHub',
        'ann left OtherHub',
        'ann left ChatHub',
      ]) {
        assert.equal(await changes.next(`'${expected}'`), expected);
      }

      const later = new Inbox<boolean>(farm.deadline);
      const stopLater = directory.watch(({ online }) => later.put(online));
      stop();
      await there.backplane.subscribe('u');
      await here.backplane.directory.add({ ...entry, connectionId: '3' });
      assert.equal(await later.next('a user who comes'), true);
      assert.deepEqual(changes.pending, []);
      stopLater();
    },
  },
];
