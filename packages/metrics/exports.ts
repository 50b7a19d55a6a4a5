/** Everything that the package exports: by name, and all together as its default, as prom-client has both. */
import { Registry } from './api/registry.ts'

export { aggregators } from './api/aggregators.ts'
export { Counter } from './api/counter.ts'
export { Gauge } from './api/gauge.ts'
export { Histogram } from './api/histogram.ts'
export {
  contentType,
  type OpenMetricsContentType,
  type PrometheusContentType,
  register,
  Registry,
  type RegistryContentType,
} from './api/registry.ts'
export { Summary } from './api/summary.ts'
export type * from './api/types.ts'
export { CreationTimes } from './format/created.ts'
export { page } from './format/page.ts'
export { renderText } from './format/text.ts'
export { publishAppInfo } from './instrument/app_info.ts'
export {
  collectDefaultMetrics,
  type DefaultMetricsCollectorConfiguration,
} from './instrument/default_metrics.ts'
export { type EventLoop, measureEventLoop } from './instrument/event_loop.ts'
export { measured, type MeasuredFetchOptions } from './instrument/fetch.ts'
export {
  HTTP_DURATION_BUCKETS,
  HttpServerMetrics,
  knownMethod,
  type RequestTally,
  type TalliedRequest,
  UNMATCHED,
} from './instrument/http_server.ts'
export { exponentialBuckets, linearBuckets } from './model/buckets.ts'
export { type Family as MetricFamily, labelText } from './model/family.ts'
export { validateMetricName } from './model/validation.ts'
export { BOARD_WORDS } from './storage/layout.ts'
export { Segment } from './storage/segment.ts'
export { SegmentError } from './storage/segment_file.ts'

export const prometheusContentType = Registry.PROMETHEUS_CONTENT_TYPE
export const openMetricsContentType = Registry.OPENMETRICS_CONTENT_TYPE
