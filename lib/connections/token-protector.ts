import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';

import { RandomBlocks } from '../common/random-blocks.js';

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts what a client has to carry for the server, so that any node with the same secret can read it and nobody
 * else can read or make it. A token made for one purpose is worthless for every other (signalr-2 §3).
 */
export class TokenProtector {
  private readonly keys: readonly Buffer[];
  private readonly nonces = new RandomBlocks(NONCE_BYTES);

  /**
   * @param secrets the first one encrypts, all of them decrypt: put a new secret in front to rotate.
   * @param purpose what the tokens are for.
   */
  constructor(secrets: readonly string[], purpose: string) {
    this.keys = secrets.map((secret) => deriveKey(secret, purpose));
  }

  protect(text: string): string {
    const nonce = this.nonces.next();
    const cipher = createCipheriv(ALGORITHM, this.keys[0] as Buffer, nonce);
    const encrypted = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString('base64url');
  }

  /** The text of a token, or undefined if it was not made with these secrets for this purpose. */
  unprotect(token: string): string | undefined {
    const bytes = Buffer.from(token, 'base64url');
    // Node ignores what is no base64url; a token is only ours if it is spelled exactly as we wrote it.
    if (bytes.byteLength < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== token) {
      return undefined;
    }
    for (const key of this.keys) {
      const text = decrypt(bytes, key);
      if (text !== undefined) {
        return text;
      }
    }
    return undefined;
  }
}

/** The key for one purpose. */
export function deriveKey(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'nestjs-signalr', purpose, KEY_BYTES));
}

function decrypt(bytes: Buffer, key: Buffer): string | undefined {
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    return (
      decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
    );
  } catch {
    return undefined;
  }
}
