import { fileURLToPath } from 'node:url';
import { NodeProcess } from '../../support/processes/node-process.mjs';

const main = fileURLToPath(new URL('node-main.mjs', import.meta.url));

/** @typedef {{ kind: 'all' | 'group' | 'user' | 'client', name?: string }} Destination */

/** A node of the farm, as its parent sees it. */
export class FarmNode extends NodeProcess {
  /** @param {string} name @param {import('./node-main.mjs').NodeSettings} settings */
  constructor(name, settings) {
    super(main, settings);
    this.name = name;
  }

  /**
   * Sends to clients from this node.
   *
   * @param {Destination} destination @param {unknown} message
   * @returns {Promise<boolean>} true once it was accepted; false if that is not known, because the node has died or refused
   */
  send(destination, message) {
    return this.ask({ ...destination, message }).then(
      () => true,
      () => false,
    );
  }
}
