import { describe, expect, test } from 'vitest';

import { TokenProtector } from '../../lib/connections/token-protector.js';
import { ClassicTokens } from '../../lib/protocols/classic/tokens.js';
import { CoreTokens } from '../../lib/protocols/core/tokens.js';

describe('token protector', () => {
  const protector = new TokenProtector(['secret'], 'purpose');

  test('gives back what it was given, and never the same token twice', () => {
    const text = 'grüß dich :: "x"';
    const tokens = [protector.protect(text), protector.protect(text)];
    expect(tokens.map((token) => protector.unprotect(token))).toEqual([text, text]);
    expect(tokens[0]).not.toBe(tokens[1]);
    expect(tokens[0]).toMatch(/^[\w-]+$/);
  });

  test('refuses a token that was changed anywhere', () => {
    const token = protector.protect('text');
    const changed = Array.from(token, (character, index) =>
      ['A', 'z', '-', '+']
        .filter((other) => other !== character)
        .map((other) => token.slice(0, index) + other + token.slice(index + 1)),
    ).flat();
    expect(changed.filter((other) => protector.unprotect(other) !== undefined)).toEqual([]);
    expect(protector.unprotect(token.slice(1))).toBeUndefined();
    expect(protector.unprotect(`${token}A`)).toBeUndefined();
    expect(protector.unprotect('')).toBeUndefined();
  });

  test('refuses tokens of another purpose or secret', () => {
    const token = protector.protect('text');
    expect(new TokenProtector(['secret'], 'other').unprotect(token)).toBeUndefined();
    expect(new TokenProtector(['other'], 'purpose').unprotect(token)).toBeUndefined();
  });

  test('reads tokens of an older secret while it is in the list', () => {
    const token = protector.protect('text');
    expect(new TokenProtector(['new', 'secret'], 'purpose').unprotect(token)).toBe('text');
    expect(new TokenProtector(['new'], 'purpose').unprotect(token)).toBeUndefined();
  });
});

describe('classic tokens', () => {
  const tokens = new ClassicTokens(['secret']);

  test('groups belong to one connection', () => {
    const token = tokens.issueGroups('ID-1', ['ChatHub.a', 'ChatHub.b.c']);
    expect(tokens.readGroups(token, 'id-1')).toEqual(['ChatHub.a', 'ChatHub.b.c']);
    expect(tokens.readGroups(token, 'id-2')).toEqual([]);
    expect(tokens.readGroups(`${token}x`, 'id-1')).toEqual([]);
    expect(tokens.readGroups(undefined, 'id-1')).toEqual([]);
    expect(tokens.readGroups(tokens.issue({ connectionId: 'id-1', userName: '[]' }), 'id-1')).toEqual([]);
  });

  test('user names may have colons', () => {
    const token = tokens.issue({ connectionId: 'id', userName: 'a:b:c' });
    expect(tokens.read(token)).toEqual({ connectionId: 'id', userName: 'a:b:c' });
  });

  test('a token that is known by heart opens no other one', () => {
    const token = tokens.issue({ connectionId: 'id', userName: 'ada' });
    const read = [tokens.read(token), tokens.read(token)];
    expect(read).toEqual([
      { connectionId: 'id', userName: 'ada' },
      { connectionId: 'id', userName: 'ada' },
    ]);
    expect(tokens.read(`${token}A`)).toBeUndefined();
    expect(tokens.read(token.toLowerCase())).toBeUndefined();
    expect(new ClassicTokens(['secret'], ':other').read(token)).toBeUndefined();
  });
});

describe('core tokens', () => {
  const tokens = new CoreTokens(['secret'], '/signalr/chat');
  /** It knows none of what the first one has issued. */
  const otherNode = new CoreTokens(['secret'], '/signalr/chat');
  const NOW = 1_700_000_000_500;

  test('are 22 characters, and the id tells nothing of the token', () => {
    const { token, connectionId, issuedAt } = tokens.issue(1, NOW);
    expect(token).toMatch(/^[\w-]{22}$/);
    expect(connectionId).toMatch(/^[\w-]{22}$/);
    expect(token).not.toBe(connectionId);
    expect(issuedAt).toBe(1_700_000_000);
    expect(otherNode.read(token)).toEqual({ token, connectionId, issuedAt, isStateful: false });
    expect(otherNode.read(connectionId)).toBeUndefined();
    expect(tokens.read(connectionId)).toBeUndefined();
  });

  test('no two are the same', () => {
    const issued = Array.from({ length: 2_000 }, () => tokens.issue(1, NOW));
    expect(new Set(issued.flatMap(({ token, connectionId }) => [token, connectionId])).size).toBe(4_000);
  });

  test('say what they were issued for, whatever was issued at the same time', () => {
    const asked = [
      [1, NOW, false],
      [0, NOW, false],
      [1, NOW, true],
      [0, NOW, true],
      [1, NOW + 1_000, false],
      [1, NOW, false],
    ] as const;
    const issued = Array.from({ length: 40 }, () =>
      asked.map(([version, now, isStateful]) => tokens.issue(version, now, isStateful)),
    ).flat();
    issued.forEach((ticket, index) => {
      const [version, now, isStateful] = asked[index % asked.length] as (typeof asked)[number];
      expect(ticket).toMatchObject({ isStateful, issuedAt: Math.floor(now / 1_000) });
      expect(ticket.connectionId === ticket.token).toBe(version === 0);
      expect(otherNode.read(ticket.token)).toEqual(ticket);
    });
    expect(new Set(issued.map(({ token }) => token)).size).toBe(issued.length);
  });

  test('are read after many others have been issued', () => {
    const ticket = tokens.issue(1, NOW);
    expect(tokens.read(ticket.token)).toBe(ticket);
    Array.from({ length: 2_000 }, () => tokens.issue(1, NOW));
    expect(tokens.read(ticket.token)).toEqual(ticket);
    expect(tokens.read(ticket.token)).not.toBe(ticket);
  });

  test('with version 0 the id is the token', () => {
    const ticket = tokens.issue(0, NOW);
    expect(ticket.connectionId).toBe(ticket.token);
    expect(otherNode.read(ticket.token)).toEqual(ticket);
  });

  test('are good for one hub and its secrets', () => {
    const { token } = tokens.issue(1, NOW);
    expect(new CoreTokens(['secret'], '/signalr/other').read(token)).toBeUndefined();
    expect(new CoreTokens(['other'], '/signalr/chat').read(token)).toBeUndefined();
    expect(new CoreTokens(['new', 'secret'], '/signalr/chat').read(token)).toEqual(otherNode.read(token));
  });

  test('cannot be guessed', () => {
    const { token } = tokens.issue(1, NOW);
    for (const guess of ['', 'x', 'A'.repeat(22), `${token}=`, token.slice(0, 21), `${token}A`]) {
      expect(tokens.read(guess)).toBeUndefined();
    }
    let hits = 0;
    for (let index = 0; index < 22; index++) {
      const changed = token.slice(0, index) + (token[index] === 'B' ? 'C' : 'B') + token.slice(index + 1);
      hits += tokens.read(changed) === undefined ? 0 : 1;
    }
    expect(hits).toBe(0);
  });
});
