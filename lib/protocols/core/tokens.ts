import { createHash } from 'node:crypto';

import { RandomBlocks } from '../../common/random-blocks.js';
import { deriveKey } from '../../connections/token-protector.js';
import { BlockCipher } from './block-cipher.js';

const BLOCK_BYTES = 16;
const ISSUED_AT = 1;
const HUB_TAG = 5;
const HUB_TAG_BYTES = 3;
const FORMAT = 0b1010_0000;
const FORMAT_MASK = 0b1111_0000;
const VERSION_ONE = 0b0001;
const STATEFUL = 0b0010;

/** What a token says. */
export interface CoreTicket {
  readonly connectionId: string;
  /** What clients send as `id`; the same as the connection id with negotiate version 0. */
  readonly token: string;
  /** True if its client may replace a lost socket (signalr-core §2.6). */
  readonly isStateful: boolean;
  /** When it was issued, in whole seconds of the wall clock. */
  readonly issuedAt: number;
}

/**
 * Connection ids and tokens of Core clients. Both are 22 characters (signalr-core §1.3), which leaves no room for a
 * usual authenticated encryption. So both are one random block enciphered with different keys: the token tells any node
 * with the secret which connection and hub it is for and when it was issued, nothing has to be kept between negotiate
 * and connect, and who knows the id of a connection cannot make its token. A forged token has to hit the format and the
 * tag of the hub and a time within seconds; and a hit is no more than a fresh negotiation.
 */
export class CoreTokens {
  private readonly keys: readonly TokenKeys[];
  private readonly hubTag: Buffer;
  private readonly random = new RandomBlocks(BLOCK_BYTES);

  /**
   * @param secrets the first one issues, all of them are accepted.
   * @param path a token is good for one path only (signalr-core §1.1).
   */
  constructor(secrets: readonly string[], path: string) {
    this.keys = secrets.map((secret) => ({
      token: new BlockCipher(deriveKey(secret, 'SignalR.Core.ConnectionToken')),
      id: new BlockCipher(deriveKey(secret, 'SignalR.Core.ConnectionId')),
    }));
    this.hubTag = createHash('sha256').update(path).digest().subarray(0, HUB_TAG_BYTES);
  }

  /** @param version negotiate version: with 0 the id is its own token. @param now wall clock in milliseconds. */
  issue(version: 0 | 1, now: number, isStateful = false): CoreTicket {
    const block = this.random.next();
    block[0] = FORMAT | (version === 1 ? VERSION_ONE : 0) | (isStateful ? STATEFUL : 0);
    block.writeUInt32BE(Math.floor(now / 1000), ISSUED_AT);
    block.set(this.hubTag, HUB_TAG);
    const keys = this.keys[0] as TokenKeys;
    return ticket(block, keys.token.encrypt(block).toString('base64url'), keys);
  }

  /** What a token says; undefined if it was not issued for this hub with one of the secrets. */
  read(token: string): CoreTicket | undefined {
    const bytes = Buffer.from(token, 'base64url');
    if (bytes.byteLength !== BLOCK_BYTES || bytes.toString('base64url') !== token) {
      return undefined;
    }
    for (const keys of this.keys) {
      const block = keys.token.decrypt(bytes);
      const isOurs =
        ((block[0] as number) & FORMAT_MASK) === FORMAT &&
        block.subarray(HUB_TAG, HUB_TAG + HUB_TAG_BYTES).equals(this.hubTag);
      if (isOurs) {
        return ticket(block, token, keys);
      }
    }
    return undefined;
  }
}

/** What is made from one secret. */
interface TokenKeys {
  readonly token: BlockCipher;
  readonly id: BlockCipher;
}

function ticket(block: Buffer, token: string, keys: TokenKeys): CoreTicket {
  const hasOwnId = ((block[0] as number) & VERSION_ONE) !== 0;
  const connectionId = hasOwnId ? keys.id.encrypt(block).toString('base64url') : token;
  const isStateful = ((block[0] as number) & STATEFUL) !== 0;
  return { connectionId, token, isStateful, issuedAt: block.readUInt32BE(ISSUED_AT) };
}
