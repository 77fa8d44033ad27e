/** Token of the name of the node that a hub runs on. */
export const NODE_NAME = Symbol('NODE_NAME');
