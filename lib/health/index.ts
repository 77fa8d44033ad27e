export { BackplaneHealthIndicator } from './backplane.health.js';
export { SignalRHealthIndicator } from './signalr.health.js';
