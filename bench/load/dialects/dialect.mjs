/**
 * What a client of one kind of server says and understands. Everything but `call` runs outside of measured time.
 *
 * @typedef {object} Dialect
 * @property {(port: number) => Session | Promise<Session>} begin what comes before the upgrade
 * @property {string[]} greeting messages to send as soon as the WebSocket is open
 * @property {(message: string) => boolean} [isWelcome] whether this message ends the handshake; a dialect without it
 *   has no handshake
 * @property {(port: number, session: Session) => Promise<unknown>} [start] what comes between welcome and first call
 * @property {(port: number, session: Session) => Promise<unknown>} [leave] what comes after closing the WebSocket
 * @property {true} [isBinary] for a dialect of bytes; what comes before the first call is text all the same
 * @property {(id: number, value: unknown) => string | Uint8Array} call a call of `echo(value)`
 * @property {(message: string | Buffer) => Received[]} decode replies and broadcasts in a message, in order
 * @property {(message: string) => string | undefined} [respond] the answer a housekeeping message demands
 * @property {string | Uint8Array} [keepAlive] a message that must be sent now and then
 *
 * @typedef {object} Session
 * @property {string} path of the WebSocket, with the query
 * @property {string} [query] of all other requests
 *
 * @typedef {object} Received
 * @property {number} [id] of the call this is the reply of; missing for a broadcast
 * @property {unknown} text or whatever else was echoed
 */

export {};
