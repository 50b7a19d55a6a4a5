/** Types under prom-client's names, for programs that change the import. */
import type { MetricType } from '../model/family.ts'
import type { Labels } from './child.ts'
import type { Counter } from './counter.ts'
import type { WithExemplar } from './exemplars.ts'
import type { Gauge } from './gauge.ts'
import type { Histogram, HistogramOptions } from './histogram.ts'
import type { MetricOptions } from './metric.ts'
import type { PromClientValue } from './prom_client.ts'
import type { MetricObject } from './registry.ts'
import type { Summary, SummaryOptions } from './summary.ts'

export type { Aggregator } from '../model/definition.ts'
export type { MetricType } from '../model/family.ts'
export type { MetricObject } from './registry.ts'

export type Metric<T extends string = string> = Counter<T> | Gauge<T> | Histogram<T> | Summary<T>
export type LabelValues<T extends string = string> = Labels<T>

export interface MetricValue<T extends string = string> extends PromClientValue {
  labels: LabelValues<T>
}

export type MetricValueWithName<T extends string = string> = MetricValue<T> & { metricName?: string }

export interface MetricObjectWithValues<Value extends PromClientValue = MetricValue> extends Omit<
  MetricObject,
  'type' | 'collect'
> {
  type: MetricType
  values: Value[]
}

export type CounterConfiguration<T extends string = string> = MetricOptions<T, Counter<T>>
export type GaugeConfiguration<T extends string = string> = MetricOptions<T, Gauge<T>>
export type HistogramConfiguration<T extends string = string> = HistogramOptions<T>
export type SummaryConfiguration<T extends string = string> = SummaryOptions<T>

export type IncreaseDataWithExemplar<T extends string = string> = WithExemplar<T>
export type ObserveDataWithExemplar<T extends string = string> = WithExemplar<T> & { value: number }
export type Collector = () => void
