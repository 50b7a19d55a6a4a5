/**
 * A burst of errors that creates its label set within one scrape is counted, by a real Prometheus with the committed rules. All
 * durations are shorter. Without Prometheus this is skipped with a message; if CI is set it fails.
 */

import { expect, test } from 'bun:test'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, isExpected } from '@bun-monitoring/prefork/testing'
import { faster } from './faster.ts'

const TIMES_FASTER = 50
const ASK_AGAIN_AFTER_MS = 50
const program = Bun.which('prometheus')
const hasPrometheus = isExpected(
  program !== null,
  'prometheus is not on PATH, so nothing checks that it counts a first burst',
)

const count = (status: string, value: number) =>
  `http_server_request_duration_seconds_count{http_request_method="GET",http_route="dogs",http_response_status_code="${status}"} ${value}\n`

test.skipIf(!hasPrometheus)(
  '3,000 errors, the first of their kind, are in the rate of the objective and use up its budget',
  async () => {
    await using resources = new AsyncDisposableStack()
    const folder = mkdtempSync(join(tmpdir(), 'first-burst-'))
    resources.defer(() => rmSync(folder, { recursive: true, force: true }))

    let good = 0
    let bad = ''
    const startedAt = Date.now() / 1000
    const gateway = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: () => {
        good += 10
        return new Response(`process_start_time_seconds ${startedAt}\n${count('200', good)}${bad}`, {
          headers: { 'Content-Type': 'text/plain; version=0.0.4' },
        })
      },
    })
    resources.defer(() => gateway.stop(true))

    cpSync(join(import.meta.dir, 'rules'), join(folder, 'rules'), { recursive: true })
    for (const name of readdirSync(join(folder, 'rules'))) {
      const path = join(folder, 'rules', name)
      await Bun.write(path, faster(await Bun.file(path).text(), TIMES_FASTER))
    }
    const jobs = [{ job_name: 'gateway', static_configs: [{ targets: [gateway.url.host] }] }]
    const config = { global: { scrape_interval: '10s', evaluation_interval: '10s' } }
    const text = JSON.stringify({ ...config, rule_files: ['rules/*.yml'], scrape_configs: jobs })
    await Bun.write(join(folder, 'prometheus.yml'), text.replaceAll('"10s"', `"${10_000 / TIMES_FASTER}ms"`))

    const url = `http://127.0.0.1:${freePort()}`
    const prometheus = Bun.spawn(
      [
        program!,
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=${new URL(url).host}`,
        '--log.level=error',
      ],
      { stdout: 'ignore', stderr: 'ignore' },
    )
    resources.defer(async () => {
      prometheus.kill()
      await prometheus.exited
    })
    /** NaN when there is no series, or no Prometheus yet. */
    const valueOf = async (query: string): Promise<number> => {
      const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query })}`).catch(
        () => undefined,
      )
      if (!response?.ok) return Number.NaN
      const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } }
      return Number(data.result[0]?.value[1] ?? Number.NaN)
    }
    const until = async (query: string, holds: (value: number) => boolean) => {
      for (;;) {
        const value = await valueOf(query)
        if (holds(value)) return value
        await Bun.sleep(ASK_AGAIN_AFTER_MS)
      }
    }

    expect(await until('edge:slo_errors:rate5m', (value) => value >= 0)).toBe(0)
    bad = count('502', 3000)
    // 3,000 in a window of 5 minutes, which is shorter here.
    const rate = await until('edge:slo_errors:rate5m', (value) => value > 0)
    expect(rate).toBeCloseTo(3000 / (300 / TIMES_FASTER), 5)
    expect(await until('edge:slo_errors:ratio_rate5m', (value) => value > 0.5)).toBeLessThan(1)
    // `rate` alone does not see them, over any window.
    expect(
      await valueOf(
        'sum(increase(http_server_request_duration_seconds_count{http_response_status_code="502"}[1d]))',
      ),
    ).toBe(0)
    expect(await until('edge:slo_errors:budget_left_30d', (value) => value < 0)).toBeLessThan(0)
  },
  60_000,
)
