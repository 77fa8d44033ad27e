export { OpenTelemetryMetrics, type OpenTelemetryMetricsOptions } from './open-telemetry-metrics.js';
