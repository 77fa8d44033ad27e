/** The options as the user gave them. */
export const MODULE_OPTIONS = Symbol('SIGNALR_MODULE_OPTIONS');

/** The options, checked and complete. */
export const SERVER_OPTIONS = Symbol('SIGNALR_SERVER_OPTIONS');

/** The backplane of the application. */
export const BACKPLANE = Symbol('SIGNALR_BACKPLANE');
