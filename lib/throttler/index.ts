export { type HubBudget, HubThrottlerGuard, type HubTracker } from './hub-throttler.guard.js';
