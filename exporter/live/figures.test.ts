/** Figures from two readings; an unknown figure is undefined, never 0. */
import { describe, expect, test } from 'bun:test'
import { parseStats, type Stats } from '../stats/parse.ts'
import type { RequestCounters } from './app_metrics.ts'
import { quantile, redOf, redOfStats, restartsOf, saturationOf } from './figures.ts'

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
