import { growth } from './growth.mjs';
import { latency } from './latency.mjs';
import { memory } from './memory.mjs';
import { storm } from './storm.mjs';
import { redis } from './redis.mjs';
import { httpDeliveries } from './http-deliveries.mjs';

/** @type {import('./study.mjs').Study[]} */
export const studies = [memory, storm, latency, growth, httpDeliveries, redis];
