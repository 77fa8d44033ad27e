import type { Family } from './chaos.mjs';

export const core: Family;
