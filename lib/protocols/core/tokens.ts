import { createHash, randomFillSync } from 'node:crypto';

import { RecentValues } from '../../common/recent-values.js';
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

/** So many blocks are made at once: to ask for one random or enciphered block costs nearly as much. */
const BATCH = 16;

/** So many tickets are remembered at least, and at most twice as many: those of clients that are just connecting. */
const REMEMBERED = 256;

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
  /** By what their tickets say of the client. */
  private readonly batches: (Batch | undefined)[] = [undefined, undefined, undefined, undefined];
  /** Most tokens come back within a moment, and to read one costs more than all else that is done with it. */
  private readonly known = new RecentValues<string, CoreTicket>(REMEMBERED);

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
    const flags = (version === 1 ? VERSION_ONE : 0) | (isStateful ? STATEFUL : 0);
    const ticket = this.batchOf(flags, Math.floor(now / 1000)).next();
    this.known.set(ticket.token, ticket);
    return ticket;
  }

  private batchOf(flags: number, issuedAt: number): Batch {
    const batch = this.batches[flags];
    return batch?.serves(issuedAt) === true
      ? batch
      : (this.batches[flags] = new Batch(flags, issuedAt, this.hubTag, this.keys[0] as TokenKeys));
  }

  /** What a token says; undefined if it was not issued for this hub with one of the secrets. */
  read(token: string): CoreTicket | undefined {
    return this.known.get(token) ?? this.decipher(token);
  }

  private decipher(token: string): CoreTicket | undefined {
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
        const hasOwnId = ((block[0] as number) & VERSION_ONE) !== 0;
        return {
          connectionId: hasOwnId ? keys.id.encrypt(block).toString('base64url') : token,
          token,
          isStateful: ((block[0] as number) & STATEFUL) !== 0,
          issuedAt: block.readUInt32BE(ISSUED_AT),
        };
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

/** Tickets that are made at once, because they say the same. */
class Batch {
  private readonly tokens: Buffer;
  private readonly ids: Buffer;
  private used = 0;

  constructor(
    private readonly flags: number,
    private readonly issuedAt: number,
    hubTag: Buffer,
    keys: TokenKeys,
  ) {
    const blocks = randomFillSync(Buffer.allocUnsafe(BATCH * BLOCK_BYTES));
    for (let start = 0; start < blocks.byteLength; start += BLOCK_BYTES) {
      blocks[start] = FORMAT | flags;
      blocks.writeUInt32BE(issuedAt, start + ISSUED_AT);
      blocks.set(hubTag, start + HUB_TAG);
    }
    this.tokens = keys.token.encrypt(blocks);
    this.ids = (flags & VERSION_ONE) === 0 ? this.tokens : keys.id.encrypt(blocks);
  }

  /** True if there is a ticket left of that second. */
  serves(issuedAt: number): boolean {
    return this.used < BATCH && this.issuedAt === issuedAt;
  }

  next(): CoreTicket {
    const start = this.used++ * BLOCK_BYTES;
    const end = start + BLOCK_BYTES;
    const token = this.tokens.toString('base64url', start, end);
    return {
      connectionId: this.ids === this.tokens ? token : this.ids.toString('base64url', start, end),
      token,
      isStateful: (this.flags & STATEFUL) !== 0,
      issuedAt: this.issuedAt,
    };
  }
}
