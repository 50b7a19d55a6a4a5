/** Figures of an app from two readings of it. An unknown figure is undefined, never 0. */
import type { Stats, Worker } from '../stats/parse.ts'
import type { AppMetrics, RequestCounters } from './app_metrics.ts'

/** A target at one time. */
export interface Snapshot {
  atMs: number
  stats: Stats
  metrics: AppMetrics | undefined
}

type Figure = number | undefined

/** Rate, errors and duration of requests. */
export interface Red {
  requestsPerSecond: Figure
  errorsPerSecond: Figure
  /** Requests by status, only of those that failed. */
  failures: Record<string, number>
  /** Quantiles in seconds. */
  p50: Figure
  p95: Figure
  p99: Figure
}

/** What is used up: of an app or of one of its workers. */
export interface Saturation {
  inFlight: Figure
  oldestSeconds: Figure
  eventLoopLagSeconds: Figure
  cpuCores: Figure
  rssBytes: Figure
}

/** The growth of a counter. A series that is new has grown from 0; one that has shrunk was reset, so it is unknown. */
function growth(now: Figure, before: Figure): Figure {
  if (now === undefined) return undefined
  const difference = now - (before ?? 0)
  return difference >= 0 ? difference : undefined
}

export function sum(values: readonly Figure[]): Figure {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : known.reduce((total, value) => total + value, 0)
}

const largest = (values: readonly Figure[]): Figure => {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

const divided = (value: Figure, by: number): Figure => (value === undefined ? undefined : value / by)

/** A response with 5xx is an error of the app; the gateway's status 0 means that an upstream sent none. */
const isFailure = (status: string): boolean => status.startsWith('5') || status === '0'

/** Of the requests to some routes or upstreams; `before` has the same keys if they existed. */
export function redOf(
  now: ReadonlyMap<string, RequestCounters>,
  before: ReadonlyMap<string, RequestCounters>,
  seconds: number,
): Red {
  const failures: Record<string, number> = {}
  const buckets = new Map<number, number>()
  let requests: Figure = now.size === 0 ? undefined : 0
  for (const [key, { byStatus, buckets: cumulative }] of now) {
    const old = before.get(key)
    for (const [status, count] of byStatus) {
      const grown = growth(count, old?.byStatus.get(status))
      if (requests !== undefined) requests = grown === undefined ? undefined : requests + grown
      if (grown !== undefined && grown > 0 && isFailure(status))
        failures[status] = (failures[status] ?? 0) + grown
    }
    for (const [bound, count] of cumulative)
      buckets.set(bound, (buckets.get(bound) ?? 0) + (growth(count, old?.buckets.get(bound)) ?? 0))
  }
  const errors = requests === undefined ? undefined : (sum(Object.values(failures)) ?? 0)
  return {
    requestsPerSecond: divided(requests, seconds),
    errorsPerSecond: divided(errors, seconds),
    failures,
    p50: quantile(0.5, buckets),
    p95: quantile(0.95, buckets),
    p99: quantile(0.99, buckets),
  }
}

/** As Prometheus' histogram_quantile: linear within a bucket; the largest finite bound for the last one. */
export function quantile(q: number, buckets: ReadonlyMap<number, number>): Figure {
  const sorted = [...buckets].toSorted(([a], [b]) => a - b)
  const total = sorted.at(-1)?.[1] ?? 0
  if (total === 0) return undefined
  const rank = q * total
  const index = sorted.findIndex(([, count]) => count >= rank)
  const [bound, count] = sorted[index]!
  const [lower, below] = sorted[index - 1] ?? [0, 0]
  if (bound === Infinity) return lower
  return lower + ((bound - lower) * (rank - below)) / (count - below)
}

/** Of an app without `/metrics`, such as uWSGI: its document counts requests and exceptions, and knows no quantiles. */
export function redOfStats(now: Stats, before: Stats, seconds: number): Red {
  const growthOf = (key: 'requests' | 'exceptions') =>
    now.workers === undefined
      ? undefined
      : sum(now.workers.map((worker) => growth(worker[key], workerOf(before, worker)?.[key])))
  const exceptions = growthOf('exceptions')
  return {
    requestsPerSecond: divided(growthOf('requests'), seconds),
    errorsPerSecond: divided(exceptions, seconds),
    failures: exceptions ? { exception: exceptions } : {},
    p50: undefined,
    p95: undefined,
    p99: undefined,
  }
}

/** The RED figures of an app over the time between two snapshots. */
export function redOfApp(now: Snapshot, before: Snapshot): Red {
  const seconds = (now.atMs - before.atMs) / 1000
  return now.metrics && before.metrics && now.metrics.routes.size > 0
    ? redOf(now.metrics.routes, before.metrics.routes, seconds)
    : redOfStats(now.stats, before.stats, seconds)
}

/** Mean time in requests, in seconds: of an app or of one worker. */
export function meanSeconds(now: readonly Worker[], before: Stats): Figure {
  const of = (key: 'requests' | 'running_time') =>
    sum(now.map((worker) => growth(worker[key], workerOf(before, worker)?.[key])))
  const [requests = 0, runningUs] = [of('requests'), of('running_time')]
  return requests > 0 && runningUs !== undefined ? runningUs / requests / 1e6 : undefined
}

export function saturationOf(workers: readonly Worker[], now: Snapshot, before: Snapshot): Saturation {
  const cpuUs = sum(
    workers.map((worker) => {
      const old = workerOf(before.stats, worker)
      return old && growth(worker.cpu_us, old.cpu_us)
    }),
  )
  return {
    inFlight: sum(workers.map((worker) => worker.in_flight)),
    oldestSeconds: divided(largest(workers.map((worker) => worker.oldest_request_us)), 1e6),
    eventLoopLagSeconds: divided(largest(workers.map((worker) => worker.eventloop_lag_us)), 1e6),
    cpuCores: divided(cpuUs, (now.atMs - before.atMs) * 1000),
    // uWSGI writes 0 for a size that it does not measure.
    rssBytes: sum(workers.map((worker) => worker.rss || undefined)),
  }
}

/** Requests per second of one worker. */
export const workerRate = (worker: Worker, now: Snapshot, before: Snapshot): Figure =>
  divided(growth(worker.requests, workerOf(before.stats, worker)?.requests), (now.atMs - before.atMs) / 1000)

export const workerOf = (stats: Stats, { id }: Worker): Worker | undefined =>
  stats.workers?.find((worker) => worker.id === id)

/** Starts after the first: our master counts exits, uWSGI starts. */
export const restartsOf = ({ respawn_count = 1, exits }: Worker): number =>
  Math.max(sum(Object.values(exits)) ?? 0, respawn_count - 1)
