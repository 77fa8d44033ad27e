import { createCipheriv, createDecipheriv } from 'node:crypto';

const ALGORITHM = 'aes-256-ecb';

/**
 * Enciphers single blocks of 16 bytes with one key. Blocks have nothing to do with each other, so one cipher serves them all: making
 * one costs several times what a block does, and every request of a client brings a token.
 */
export class BlockCipher {
  private readonly encryption;
  private readonly decryption;

  constructor(key: Buffer) {
    this.encryption = createCipheriv(ALGORITHM, key, null).setAutoPadding(false);
    this.decryption = createDecipheriv(ALGORITHM, key, null).setAutoPadding(false);
  }

  encrypt(block: Buffer): Buffer {
    return this.encryption.update(block);
  }

  decrypt(block: Buffer): Buffer {
    return this.decryption.update(block);
  }
}
