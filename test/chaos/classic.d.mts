import type { Family } from './chaos.mjs';

export const classic: Family;
