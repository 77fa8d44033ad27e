/**
 * How long, in milliseconds, Redis remembers how many messages of a sender it has accepted: as long as clients may still
 * carry cursors that tell of them. Signs of life of the sender extend it.
 */
export const COUNT_RETENTION = 3_600_000;
