/**
 * Metrics with prom-client's API. For now prom-client itself does the work behind it, in one process; the names
 * exported here, and the families declared in the files beside this one, are what the rest of the code relies on.
 */
export {
  Counter,
  exponentialBuckets,
  Gauge,
  Histogram,
  linearBuckets,
  Registry,
  register,
  Summary,
} from 'prom-client'
export {
  HTTP_DURATION_BUCKETS,
  HttpServerMetrics,
  knownMethod,
  type RequestTally,
  UNMATCHED,
} from './http.ts'
export { page } from './page.ts'
export { type EventLoop, measureEventLoop, publishAppInfo, publishProcess } from './runtime.ts'
