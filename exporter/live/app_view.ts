/** What the page shows of one app: its figures, routes, upstreams and workers, over the time between two snapshots. */
import type { Worker } from '../stats/parse.ts'
import type { AppMetrics, RequestCounters, RouteInfo } from './app_metrics.ts'
import {
  meanSeconds,
  type Red,
  redOf,
  redOfApp,
  restartsOf,
  type Saturation,
  saturationOf,
  type Snapshot,
  sum,
  workerRate,
} from './figures.ts'
import { type Problem, problemsOf } from './problems.ts'

type Figure = number | undefined

export interface WorkerView extends Saturation {
  id: number
  pid: Figure
  state: string
  requestsPerSecond: Figure
  meanSeconds: Figure
  restarts: number
  exits: Record<string, number | undefined>
}

export type RouteView = Red & { route: string; info: RouteInfo | undefined }

export type UpstreamView = Red & {
  upstream: string
  targets: Record<string, number>
  queued: number
}

export interface AppView {
  hasMetrics: boolean
  red: Red | undefined
  meanSeconds: Figure
  saturation: Saturation
  queued: Figure
  queueLimit: Figure
  reloads: Figure
  reloadsFailed: Figure
  routes: RouteView[]
  upstreams: UpstreamView[]
  workers: WorkerView[]
  problems: Problem[]
}

/** @param before an earlier snapshot, or the same one if there is no other yet: then rates are unknown. */
export function describeApp(now: Snapshot, before: Snapshot): AppView {
  const { stats, metrics } = now
  const workers = stats.workers ?? []
  const hasBefore = before !== now
  const red = hasBefore ? redOfApp(now, before) : undefined
  const routes = reds(now, before, (each) => each.routes)
  const upstreams = reds(
    now,
    before,
    ({ upstreams: all }) => new Map(Array.from(all, ([name, { requests }]) => [name, requests])),
  )
  const viewOfWorker = (worker: Worker): WorkerView => ({
    id: worker.id,
    pid: worker.pid,
    state: worker.state ?? worker.status ?? '',
    requestsPerSecond: hasBefore ? workerRate(worker, now, before) : undefined,
    meanSeconds: meanSeconds([worker], before.stats),
    ...saturationOf([worker], now, before),
    restarts: restartsOf(worker),
    exits: worker.exits,
  })
  return {
    hasMetrics: metrics !== undefined,
    red,
    meanSeconds: meanSeconds(workers, before.stats),
    saturation: saturationOf(workers, now, before),
    queued: sum((stats.sockets ?? []).map(({ queue }) => queue)),
    queueLimit: sum((stats.sockets ?? []).map(({ max_queue: limit }) => limit)),
    reloads: stats.reloads,
    reloadsFailed: stats.reloads_failed,
    routes: Array.from(routes, ([route, figures]) => ({
      route,
      info: metrics?.routeInfo.get(route),
      ...figures,
    })),
    upstreams: Array.from(upstreams, ([upstream, figures]) => {
      const { targets, queued } = metrics!.upstreams.get(upstream)!
      return { upstream, targets, queued, ...figures }
    }),
    workers: workers.map(viewOfWorker),
    problems: problemsOf({ stats, metrics, red, routes }),
  }
}

/** The figures of each route or upstream. */
function reds(
  now: Snapshot,
  before: Snapshot,
  countersOf: (metrics: AppMetrics) => ReadonlyMap<string, RequestCounters>,
): Map<string, Red> {
  if (now === before || !now.metrics || !before.metrics) return new Map()
  const old = countersOf(before.metrics)
  const seconds = (now.atMs - before.atMs) / 1000
  return new Map(
    Array.from(countersOf(now.metrics), ([key, counters]) => [
      key,
      redOf(new Map([[key, counters]]), old, seconds),
    ]),
  )
}
