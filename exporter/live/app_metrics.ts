/**
 * The counters that an app publishes at `/metrics` and the live page shows: requests by route and status, their latencies,
 * and of a gateway its routes and upstreams.
 */
import { numberOf, type Sample, samplesOf } from './exposition.ts'

/** Requests to one route or to one upstream since the start. */
export interface RequestCounters {
  byStatus: Map<string, number>
  /** Cumulative counts by upper bound in seconds, over all statuses. */
  buckets: Map<number, number>
}

export interface Upstream {
  requests: RequestCounters
  /** Targets by state: healthy, ejected, slow_start. */
  targets: Record<string, number>
  queued: number
  retries: number
}

/** Where a route of a gateway leads. */
export interface RouteInfo {
  host: string
  path: string
  upstream: string
}

export interface AppMetrics {
  routes: Map<string, RequestCounters>
  upstreams: Map<string, Upstream>
  routeInfo: Map<string, RouteInfo>
}

/** Limits the memory; the metrics of our apps have a limit of their own. */
const MAX_ROUTES = 200

type Handler = (metrics: AppMetrics, sample: Sample) => void

const ROUTE_DURATION = 'http_server_request_duration_seconds'
const UPSTREAM_DURATION = 'gateway_upstream_request_duration_seconds'

const HANDLERS: Readonly<Record<string, Handler>> = {
  [`${ROUTE_DURATION}_count`]: (metrics, sample) => addCount(routeOf(metrics, sample), sample),
  [`${ROUTE_DURATION}_bucket`]: (metrics, sample) => addBucket(routeOf(metrics, sample), sample),
  [`${UPSTREAM_DURATION}_count`]: (metrics, sample) =>
    addCount(upstreamOf(metrics, sample)?.requests, sample),
  [`${UPSTREAM_DURATION}_bucket`]: (metrics, sample) =>
    addBucket(upstreamOf(metrics, sample)?.requests, sample),
  gateway_upstream_targets: (metrics, sample) => {
    const upstream = upstreamOf(metrics, sample)
    if (upstream) upstream.targets[sample.labels['state'] ?? ''] = sample.value
  },
  gateway_upstream_queue_length: (metrics, sample) => {
    const upstream = upstreamOf(metrics, sample)
    if (upstream) upstream.queued += sample.value
  },
  gateway_upstream_retries_total: (metrics, sample) => {
    const upstream = upstreamOf(metrics, sample)
    if (upstream) upstream.retries += sample.value
  },
  gateway_route_info: ({ routeInfo }, { labels }) => {
    const of = (key: string) => labels[key] ?? ''
    if (routeInfo.size < MAX_ROUTES)
      routeInfo.set(of('http_route'), { host: of('host'), path: of('path'), upstream: of('upstream') })
  },
}

const NAMES = new Set(Object.keys(HANDLERS))

/** Parses the page of an app. */
export function parseAppMetrics(page: string): AppMetrics {
  const metrics: AppMetrics = { routes: new Map(), upstreams: new Map(), routeInfo: new Map() }
  for (const sample of samplesOf(page, NAMES)) HANDLERS[sample.name]!(metrics, sample)
  return metrics
}

const newCounters = (): RequestCounters => ({ byStatus: new Map(), buckets: new Map() })

const routeOf = ({ routes }: AppMetrics, { labels }: Sample) =>
  entryOf(routes, labels['http_route'] ?? '', newCounters)

const upstreamOf = ({ upstreams }: AppMetrics, { labels }: Sample) =>
  entryOf(upstreams, labels['upstream'] ?? '', (): Upstream => ({
    requests: newCounters(),
    targets: {},
    queued: 0,
    retries: 0,
  }))

/** The entry of this name, a new one if there is room. */
function entryOf<T>(entries: Map<string, T>, name: string, create: () => T): T | undefined {
  const known = entries.get(name)
  if (known !== undefined || entries.size >= MAX_ROUTES) return known
  const entry = create()
  entries.set(name, entry)
  return entry
}

function addCount(counters: RequestCounters | undefined, { labels, value }: Sample): void {
  const status = labels['http_response_status_code'] ?? ''
  counters?.byStatus.set(status, (counters.byStatus.get(status) ?? 0) + value)
}

function addBucket(counters: RequestCounters | undefined, { labels, value }: Sample): void {
  const bound = numberOf(labels['le'] ?? '')
  counters?.buckets.set(bound, (counters.buckets.get(bound) ?? 0) + value)
}
