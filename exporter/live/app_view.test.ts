/** What the page shows of an app between two snapshots. */
import { expect, test } from 'bun:test'
import { parseStats } from '../stats/parse.ts'
import { parseAppMetrics } from './app_metrics.ts'
import { describeApp } from './app_view.ts'
import type { Snapshot } from './figures.ts'

const DURATION = 'http_server_request_duration_seconds_count'

function snapshot(atMs: number, document: object, page?: string): Snapshot {
  const outcome = parseStats(JSON.stringify(document), { withCores: false, acceptsAnyObject: true })
  if (!('stats' in outcome)) throw new Error(outcome.problem)
  return { atMs, stats: outcome.stats, metrics: page === undefined ? undefined : parseAppMetrics(page) }
}

const gateway = (count: number) =>
  `${DURATION}{http_route="a",http_response_status_code="200"} ${count}\n` +
  `gateway_upstream_request_duration_seconds_count{upstream="dogs",http_response_status_code="200"} ${2 * count}\n` +
  'gateway_upstream_targets{upstream="dogs",state="healthy"} 2\n' +
  'gateway_upstream_queue_length{upstream="dogs"} 7\n' +
  'gateway_route_info{http_route="a",host="h",path="/p",upstream="dogs"} 1\n'

test('routes and upstreams have rates over the time between the snapshots, and where they lead', () => {
  const view = describeApp(snapshot(12_000, {}, gateway(50)), snapshot(2000, {}, gateway(10)))
  expect(view.hasMetrics).toBe(true)
  expect(view.red?.requestsPerSecond).toBe(4)
  expect(view.routes).toMatchObject([
    { route: 'a', requestsPerSecond: 4, info: { host: 'h', path: '/p', upstream: 'dogs' } },
  ])
  expect(view.upstreams).toMatchObject([
    { upstream: 'dogs', requestsPerSecond: 8, targets: { healthy: 2 }, queued: 7 },
  ])
})

test('routes and upstreams have no rates while one of the snapshots has no counters', () => {
  for (const pages of [
    [gateway(50), undefined],
    [undefined, gateway(10)],
  ]) {
    const [now, before] = [snapshot(12_000, {}, pages[0]), snapshot(2000, {}, pages[1])]
    const view = describeApp(now, before)
    expect([view.routes, view.upstreams, view.hasMetrics]).toEqual([[], [], pages[0] !== undefined])
  }
})

test('workers have their own figures', () => {
  const worker = { id: 1, pid: 7, state: 'busy', respawn_count: 1, exits: { crash: 2 } }
  const before = snapshot(2000, { workers: [{ ...worker, requests: 10, running_time: 1e6, cpu_us: 0 }] })
  const now = snapshot(12_000, {
    workers: [
      { ...worker, requests: 30, running_time: 2e6, cpu_us: 5e6, in_flight: 3, oldest_request_us: 4e6 },
    ],
  })
  expect(describeApp(now, before)).toMatchObject({
    hasMetrics: false,
    meanSeconds: 0.05,
    red: { requestsPerSecond: 2, errorsPerSecond: undefined },
    saturation: { cpuCores: 0.5, inFlight: 3 },
    workers: [
      {
        id: 1,
        pid: 7,
        state: 'busy',
        requestsPerSecond: 2,
        meanSeconds: 0.05,
        oldestSeconds: 4,
        cpuCores: 0.5,
        restarts: 2,
        exits: { crash: 2 },
      },
    ],
  })
})

test('a worker without requests has no mean, and one of uWSGI has its status', () => {
  const worker = { id: 1, status: 'pause', requests: 10, running_time: 1e6 }
  const [view] = describeApp(
    snapshot(2000, { workers: [worker] }),
    snapshot(1000, { workers: [worker] }),
  ).workers
  expect(view).toMatchObject({ state: 'pause', requestsPerSecond: 0, meanSeconds: undefined, restarts: 0 })
})

test('before the second reading, rates are unknown', () => {
  const only = snapshot(2000, { workers: [{ id: 1, requests: 10 }] }, gateway(10))
  const view = describeApp(only, only)
  expect(view).toMatchObject({ red: undefined, routes: [], upstreams: [], problems: [] })
  expect(view.workers).toMatchObject([
    { requestsPerSecond: undefined, meanSeconds: undefined, cpuCores: undefined },
  ])
})

test('the accept queue is the sum over the listeners', () => {
  const sockets = [
    { name: ':1', queue: 2, max_queue: 10 },
    { name: ':1', queue: 3, max_queue: 10 },
  ]
  const only = snapshot(0, { sockets, reloads: 4, reloads_failed: 1 })
  expect(describeApp(only, only)).toMatchObject({ queued: 5, queueLimit: 20, reloads: 4, reloadsFailed: 1 })
  const none = snapshot(0, {})
  expect(describeApp(none, none)).toMatchObject({
    queued: undefined,
    queueLimit: undefined,
    reloads: undefined,
  })
})
