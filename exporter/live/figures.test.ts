/** Figures from two readings; an unknown figure is undefined, never 0. */
import { describe, expect, test } from 'bun:test'
import { parseStats, type Stats } from '../stats/parse.ts'
import type { RequestCounters } from './app_metrics.ts'
import {
  meanSeconds,
  quantile,
  redOf,
  redOfApp,
  redOfStats,
  restartsOf,
  saturationOf,
  sum,
  workerRate,
} from './figures.ts'
import { parseAppMetrics } from './app_metrics.ts'

const statsOf = (...workers: object[]): Stats => {
  const outcome = parseStats(JSON.stringify({ workers }), { withCores: false, acceptsAnyObject: false })
  if (!('stats' in outcome)) throw new Error(outcome.problem)
  return outcome.stats
}

const counters = (
  byStatus: Record<string, number>,
  buckets: Record<string, number> = {},
): RequestCounters => ({
  byStatus: new Map(Object.entries(byStatus)),
  buckets: new Map(Object.entries(buckets).map(([bound, count]) => [Number(bound), count])),
})
const routes = (of: Record<string, RequestCounters>) => new Map(Object.entries(of))

describe('quantiles are those of histogram_quantile', () => {
  const buckets = new Map([
    [0.1, 50],
    [1, 90],
    [Infinity, 100],
  ])
  test.each([
    [0.25, 0.05],
    [0.5, 0.1],
    [0.7, 0.55],
    [0.9, 1],
    [0.91, 1],
    [0.99, 1],
  ])('%d is %d', (q, expected) => {
    expect(quantile(q, buckets)).toBeCloseTo(expected, 12)
  })

  test('a rank at the end of a bucket is its bound, also where the next bucket is empty', () => {
    const withGap = new Map([
      [1, 5],
      [2, 5],
      [4, 10],
    ])
    expect([0.5, 1].map((q) => quantile(q, withGap))).toEqual([1, 4])
  })

  test('without requests there is none', () => {
    expect(quantile(0.5, new Map())).toBeUndefined()
    expect(quantile(0.5, new Map([[Infinity, 0]]))).toBeUndefined()
  })
})

describe('requests and errors', () => {
  test('are the growth per second; 5xx is an error, 4xx is not', () => {
    const before = routes({ '/a': counters({ 200: 10, 500: 1 }) })
    const now = routes({ '/a': counters({ 200: 30, 404: 10, 500: 3, 503: 8 }), '/b': counters({ 200: 2 }) })
    expect(redOf(now, before, 2)).toMatchObject({
      requestsPerSecond: 21,
      errorsPerSecond: 5,
      failures: { 500: 2, 503: 8 },
    })
  })

  test('are unknown when a counter was reset, and when there is no route', () => {
    const before = routes({ '/a': counters({ 200: 10 }) })
    expect(redOf(routes({ '/a': counters({ 200: 9 }) }), before, 2)).toMatchObject({
      requestsPerSecond: undefined,
      errorsPerSecond: undefined,
    })
    expect(redOf(routes({}), before, 2).requestsPerSecond).toBeUndefined()
  })

  test('0 requests are 0, without quantiles', () => {
    const same = routes({ '/a': counters({ 200: 10 }, { 0.1: 10 }) })
    expect(redOf(same, same, 5)).toEqual({
      requestsPerSecond: 0,
      errorsPerSecond: 0,
      failures: {},
      p50: undefined,
      p95: undefined,
      p99: undefined,
    })
  })

  test('quantiles are of the new requests only', () => {
    const before = routes({ '/a': counters({ 200: 100 }, { 0.1: 100, 1: 100 }) })
    const now = routes({ '/a': counters({ 200: 110 }, { 0.1: 100, 1: 110 }) })
    expect(redOf(now, before, 1).p50).toBeCloseTo(0.55, 12)
  })

  test('of an app without /metrics are the requests and exceptions of its workers', () => {
    const before = statsOf({ id: 1, requests: 10, exceptions: 0 }, { id: 2, requests: 5, exceptions: 1 })
    const now = statsOf({ id: 1, requests: 20, exceptions: 2 }, { id: 2, requests: 5, exceptions: 1 })
    expect(redOfStats(now, before, 5)).toMatchObject({
      requestsPerSecond: 2,
      errorsPerSecond: 0.4,
      failures: { exception: 2 },
    })
    expect(redOfStats(statsOf(), statsOf(), 5).requestsPerSecond).toBeUndefined()
  })
})

test('saturation is the sum or the worst of the workers; a size of 0 is unknown', () => {
  const before = { atMs: 0, stats: statsOf({ id: 1, cpu_us: 0 }), metrics: undefined }
  const stats = statsOf(
    { id: 1, cpu_us: 500_000, in_flight: 2, oldest_request_us: 3e6, eventloop_lag_us: 1000, rss: 5 },
    { id: 2, cpu_us: 900_000, in_flight: 1, oldest_request_us: 1e6, eventloop_lag_us: 4000, rss: 0 },
  )
  const now = { atMs: 1000, stats, metrics: undefined }
  expect(saturationOf(stats.workers!, now, before)).toEqual({
    inFlight: 3,
    oldestSeconds: 3,
    eventLoopLagSeconds: 0.004,
    // Worker 2 was not there before, so only that of worker 1 is known.
    cpuCores: 0.5,
    rssBytes: 5,
  })
})

test('restarts are exits of our workers, and starts after the first of those of uWSGI', () => {
  const count = (worker: object) => restartsOf(statsOf({ id: 1, ...worker }).workers![0]!)
  expect(count({ exits: { crash: 1, reload: 2 }, respawn_count: 4 })).toBe(3)
  expect(count({ respawn_count: 3, harakiri_count: 1 })).toBe(2)
  expect(count({ respawn_count: 0 })).toBe(0)
  expect(count({})).toBe(0)
})

test('a sum is of what is known, and unknown if nothing is', () => {
  expect([sum([]), sum([undefined]), sum([1, undefined, 2]), sum([0])]).toEqual([undefined, undefined, 3, 0])
})

test('one counter that was reset makes the sum of all unknown, and what failed meanwhile is told', () => {
  const before = routes({ '/a': counters({ 200: 10 }), '/b': counters({ 500: 1 }) })
  const now = routes({ '/a': counters({ 200: 9 }), '/b': counters({ 500: 3 }) })
  expect(redOf(now, before, 1)).toMatchObject({
    requestsPerSecond: undefined,
    errorsPerSecond: undefined,
    failures: { 500: 2 },
  })
})

test('a failure of one request is one, and one that was there before is none', () => {
  const before = routes({ '/a': counters({ 500: 5, 0: 5 }) })
  expect(redOf(routes({ '/a': counters({ 500: 6, 0: 5 }) }), before, 1).failures).toEqual({ 500: 1 })
  expect(redOf(routes({ '/a': counters({ 500: 5, 0: 6 }) }), before, 1).failures).toEqual({ 0: 1 })
})

test('figures that no worker has are unknown', () => {
  const stats = statsOf({ id: 1, rss: 3 })
  const snapshot = { atMs: 0, stats, metrics: undefined }
  expect(saturationOf(stats.workers!, { ...snapshot, atMs: 1000 }, snapshot)).toEqual({
    inFlight: undefined,
    oldestSeconds: undefined,
    eventLoopLagSeconds: undefined,
    cpuCores: undefined,
    rssBytes: 3,
  })
  expect(redOfStats(stats, stats, 1)).toMatchObject({
    requestsPerSecond: undefined,
    errorsPerSecond: undefined,
    failures: {},
  })
  const without = { ...stats, workers: undefined }
  expect(redOfStats(without, without, 1).requestsPerSecond).toBeUndefined()
})

test('memory of 0, which uWSGI writes for a size that it does not measure, is unknown', () => {
  const snapshot = { atMs: 0, stats: statsOf({ id: 1, rss: 0 }), metrics: undefined }
  expect(
    saturationOf(snapshot.stats.workers!, { ...snapshot, atMs: 1000 }, snapshot).rssBytes,
  ).toBeUndefined()
})

test('the worst of some workers counts also if others do not tell', () => {
  const stats = statsOf({ id: 1 }, { id: 2, oldest_request_us: 2e6, eventloop_lag_us: 1000 })
  const snapshot = { atMs: 0, stats, metrics: undefined }
  expect(saturationOf(stats.workers!, { ...snapshot, atMs: 1000 }, snapshot)).toMatchObject({
    oldestSeconds: 2,
    eventLoopLagSeconds: 0.001,
  })
})

test('figures come from /metrics if it was read before and has routes, otherwise from the workers', () => {
  const page = (count: number) =>
    parseAppMetrics(
      `http_server_request_duration_seconds_count{http_route="/a",http_response_status_code="200"} ${count}\n`,
    )
  const at = (atMs: number, requests: number, metrics = page(requests * 10)) => ({
    atMs,
    stats: statsOf({ id: 1, requests }),
    metrics: metrics as ReturnType<typeof page> | undefined,
  })
  const rate = (now: ReturnType<typeof at>, before: ReturnType<typeof at>) =>
    redOfApp(now, before).requestsPerSecond
  expect(rate(at(2000, 3), at(0, 1))).toBe(10)
  expect(rate(at(2000, 3), { ...at(0, 1), metrics: undefined })).toBe(1)
  expect(rate({ ...at(2000, 3), metrics: undefined }, at(0, 1))).toBe(1)
  expect(rate(at(2000, 3, parseAppMetrics('')), at(0, 1, parseAppMetrics('')))).toBe(1)
})

test('the mean time and the rate of a worker are those since the reading before', () => {
  const before = statsOf({ id: 1, requests: 10, running_time: 1e6 })
  const now = statsOf({ id: 1, requests: 14, running_time: 3e6 }, { id: 2, requests: 1, running_time: 5e5 })
  expect(meanSeconds(now.workers!.slice(0, 1), before)).toBe(0.5)
  // Worker 2 is new: its counts begin with 0.
  expect(meanSeconds(now.workers!, before)).toBe(0.5)
  expect(meanSeconds(before.workers!, before)).toBeUndefined()
  expect(meanSeconds(statsOf({ id: 1, running_time: 5 }).workers!, before)).toBeUndefined()
  expect(meanSeconds(statsOf({ id: 1, requests: 50 }).workers!, before)).toBeUndefined()
  const snapshot = (atMs: number, stats: Stats) => ({ atMs, stats, metrics: undefined })
  expect(workerRate(now.workers![0]!, snapshot(2000, now), snapshot(0, before))).toBe(2)
})
