import { createCipheriv, createDecipheriv } from 'node:crypto';

const ALGORITHM = 'aes-256-ecb';

/**
 * Enciphers blocks of 16 bytes, one or several, with one key. Blocks have nothing to do with each other, so one cipher serves them all: making
 * one costs several times what a block does, and every request of a client brings a token.
 */
export class BlockCipher {
  private readonly encryption;
  private readonly decryption;

  constructor(key: Buffer) {
    this.encryption = createCipheriv(ALGORITHM, key, null).setAutoPadding(false);
    this.decryption = createDecipheriv(ALGORITHM, key, null).setAutoPadding(false);
  }

  encrypt(blocks: Buffer): Buffer {
    return this.encryption.update(blocks);
  }

  decrypt(block: Buffer): Buffer {
    return this.decryption.update(block);
  }
}
