export { ClassicTestClient } from './classic-test-client.js';
export {
  backplaneConformance,
  type BackplaneCheck,
  type BackplaneConformanceOptions,
} from './conformance/backplane-conformance.js';
export type { CreateBackplanes } from './conformance/backplane-farm.js';
export { CoreTestClient } from './core-test-client.js';
export { createTestClient, type TestClientOptions } from './create-test-client.js';
export { FakeClock } from './fake-clock.js';
export { FaultyBackplane, type LineState } from './faulty-backplane.js';
export { ConnectionRefusedError } from './memory-network.js';
export type { ReceivedCall } from './recorded-calls.js';
export type { SentCall, SentTo } from './recording-backplane.js';
export { type FakeCaller, RecordingHub } from './recording-hub.js';
export {
  type ClientHandler,
  type ConnectionEnd,
  HubCallError,
  TestClient,
  type WaitOptions,
} from './test-client.js';
