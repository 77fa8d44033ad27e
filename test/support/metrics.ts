import type { Attributes } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type Histogram,
  type MetricData,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics';

/** Gives what was measured when it is asked, and sends it nowhere. */
class ReaderOnDemand extends MetricReader {
  constructor() {
    super({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE });
  }

  protected onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** What an application has measured, as an exporter would see it. */
export class MeasuredValues {
  private readonly reader = new ReaderOnDemand();
  readonly provider = new MeterProvider({ readers: [this.reader] });

  /** The values of an instrument, each with its attributes; those of a histogram are the numbers of what was recorded. */
  async of(instrument: string): Promise<readonly (readonly [Attributes, number])[]> {
    const points = (await this.find(instrument))?.dataPoints ?? [];
    return points.map(({ attributes, value }) => [
      attributes,
      typeof value === 'number' ? value : (value as Histogram).count,
    ]);
  }

  /** What is known of an instrument and everything that it has recorded; undefined if it has recorded nothing. */
  async find(instrument: string): Promise<MetricData | undefined> {
    const { resourceMetrics } = await this.reader.collect();
    return resourceMetrics.scopeMetrics
      .flatMap(({ metrics }) => metrics)
      .find(({ descriptor }) => descriptor.name === instrument);
  }
}
