/**
 * A burst of errors that creates its label set within one scrape is counted, by a real Prometheus with the committed rules. All
 * durations are shorter. Without Prometheus this is skipped with a message; if CI is set it fails.
 */

import { CreationTimes, Histogram, page, Registry } from '@bun-monitoring/metrics'
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, isExpected } from '@bun-monitoring/prefork/testing'
import { prometheus } from '../../scripts/prometheus.ts'
import { services } from '../../services/names.ts'
import { dashboards } from '../dashboards.ts'
import { queriesOf } from '../grafana/queries.ts'
import { faster } from './faster.ts'

const TIMES_FASTER = 50
const ASK_AGAIN_AFTER_MS = 50
const BURST = 3000
const hasPrometheus = isExpected(
  Bun.which('prometheus') !== null,
  'prometheus is not on PATH, so nothing checks that it counts a first burst',
)
const count = 'http_server_request_duration_seconds_count'

/** The highest values so far. A burst is in a rate for a second or some, which a test on a busy machine may miss. */
const highest = (query: string) => `max_over_time((${query})[1h:200ms])`

/** A gateway that gets 10 requests between two scrapes, and a Prometheus that scrapes it. */
class Scraped implements AsyncDisposable {
  readonly #resources = new AsyncDisposableStack()
  readonly #registry = new Registry()
  readonly #requests = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Durations',
    labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
    buckets: [0.25, 1],
    registers: [this.#registry],
  })
  #url = ''

  /** @param created since when the series of the gateway count; without it the page does not say it */
  static async start(created?: CreationTimes): Promise<Scraped> {
    const scraped = new Scraped()
    const resources = scraped.#resources
    const folder = mkdtempSync(join(tmpdir(), 'first-burst-'))
    resources.defer(() => rmSync(folder, { recursive: true, force: true }))
    const registry = scraped.#registry
    const startedAt = Date.now() / 1000
    const serve = (fetch: (request: Request) => Response | Promise<Response>) => {
      const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch })
      resources.defer(() => server.stop(true))
      return server.url.origin
    }
    const start = { name: 'process_start_time_seconds', help: '', type: 'gauge' } as const
    const gateway = serve(async (request) => {
      scraped.request('200', 10)
      const families = await registry.families()
      return page([...families, { ...start, series: [{ labels: '', value: startedAt }] }], request, created)
    })
    const nothing = serve(
      () => new Response('', { headers: { 'Content-Type': 'text/plain; version=0.0.4' } }),
    )
    scraped.#url = `http://127.0.0.1:${freePort()}`
    const others = Object.fromEntries([...services, 'exporter', 'node'].map((job) => [job, nothing]))
    const { command } = await prometheus(
      { ...others, gateway, prometheus: scraped.#url },
      { folder, timesFaster: TIMES_FASTER },
    )
    const program = Bun.spawn(command, { stdout: 'ignore', stderr: 'ignore' })
    resources.defer(async () => {
      program.kill()
      await program.exited
    })
    return scraped
  }

  request(status: string, times: number): void {
    const child = this.#requests.labels('GET', 'dogs', status)
    for (let i = 0; i < times; i++) child.observe(0.01)
  }

  /** The values of a query; none if there is no series, or no Prometheus yet. */
  async values(query: string): Promise<number[]> {
    const asked = new URLSearchParams({ query: faster(query, TIMES_FASTER) })
    const response = await fetch(`${this.#url}/api/v1/query?${asked}`).catch(() => undefined)
    if (!response?.ok) return []
    const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } }
    return data.result.map(({ value }) => Number(value[1]))
  }

  /** The only value of a query, once it holds. */
  async until(query: string, holds: (value: number) => boolean): Promise<number> {
    for (;;) {
      const [value] = await this.values(query)
      if (value !== undefined && holds(value)) return value
      await Bun.sleep(ASK_AGAIN_AFTER_MS)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync()
  }
}

test.skipIf(!hasPrometheus)(
  '3,000 errors, the first of their kind, are in the rate of the objective and use up its budget, also without times on the page',
  async () => {
    await using scraped = await Scraped.start()
    expect(await scraped.until('edge:slo_errors:rate5m', (value) => value >= 0)).toBe(0)
    scraped.request('502', BURST)
    // 3,000 in a window of 5 minutes, which is shorter here.
    const rate = await scraped.until(highest('edge:slo_errors:rate5m'), (value) => value > 0)
    expect(rate).toBeCloseTo(BURST / (300 / TIMES_FASTER), 5)
    const ratio = highest('edge:slo_errors:ratio_rate5m')
    expect(await scraped.until(ratio, (value) => value > 0.5)).toBeLessThan(1)
    // `rate` alone does not see them, over any window.
    expect(await scraped.values(`sum(increase(${count}{http_response_status_code="502"}[1d]))`)).toEqual([0])
    expect(await scraped.until('edge:slo_errors:budget_left_30d', (value) => value < 0)).toBeLessThan(0)
  },
  60_000,
)

test.skipIf(!hasPrometheus)(
  'with times on the page the queries of dashboards count them',
  async () => {
    await using scraped = await Scraped.start(new CreationTimes(Date.now() / 1000))
    const queries = queriesOf(dashboards.find(({ uid }) => uid === 'gateway')!)
    const [errors, responses, latency] = [
      queries.find((query) => query.includes('=~"5.."') && query.includes(' / '))!,
      queries.find((query) => query.startsWith('sum by (http_response_status_code) (rate('))!,
      queries.find((query) => query.startsWith('sum by (le) (increase(')!)!,
    ]
    // Some scrapes long only 200s.
    await scraped.until(
      `count_over_time(${count}{http_response_status_code="200"}[1h])`,
      (value) => value >= 5,
    )
    expect(await scraped.until(highest(errors), (value) => value >= 0)).toBe(0)
    scraped.request('502', BURST)
    await scraped.until(`max(${count}{http_response_status_code="502"})`, (value) => value === BURST)
    expect(await scraped.until(highest(errors), (value) => value > 0.9)).toBeLessThan(1)
    // A rate extends what it saw to both ends of its window, by about one scrape at most.
    const seen = await scraped.until(highest(latency), (value) => value >= BURST)
    expect(seen).toBeLessThan(3.2 * (BURST + 60))
    const perSecond = (await scraped.values(highest(responses))).toSorted((a, b) => a - b)
    expect(perSecond).toHaveLength(2)
    expect(perSecond[1]).toBeGreaterThanOrEqual(BURST / (60 / TIMES_FASTER))
    // The times are no series.
    expect(await scraped.values('{__name__=~".+_created"}')).toEqual([])
  },
  60_000,
)
