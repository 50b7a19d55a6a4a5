/**
 * Metrics with prom-client's API that stay right across worker processes: see README.md for how to use them, segment.ts
 * for where the numbers are.
 */
import { Registry } from './registry.ts'

export { exponentialBuckets, linearBuckets } from './buckets.ts'
export { Counter } from './counter.ts'
export { type Family as MetricFamily, labelText } from './family.ts'
export { Gauge } from './gauge.ts'
export { Histogram } from './histogram.ts'
export {
  HTTP_DURATION_BUCKETS,
  HttpServerMetrics,
  knownMethod,
  type RequestTally,
  type TalliedRequest,
  UNMATCHED,
} from './http.ts'
export { page } from './page.ts'
export { register, Registry } from './registry.ts'
export { collectDefaultMetrics, type EventLoop, measureEventLoop, publishAppInfo } from './runtime.ts'
export { BOARD_WORDS } from './layout.ts'
export { Segment } from './segment.ts'
export { SegmentError } from './segment_file.ts'
export { Summary } from './summary.ts'
export { renderText } from './text.ts'
export { validateMetricName } from './validation.ts'

export const prometheusContentType = Registry.PROMETHEUS_CONTENT_TYPE
export const openMetricsContentType = Registry.OPENMETRICS_CONTENT_TYPE
