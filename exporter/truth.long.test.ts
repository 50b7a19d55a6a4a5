/** The figures of the live page are those of Prometheus for the same app and the same time. */
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, isExpected, TestProcess } from '@bun-monitoring/prefork/testing'

const isPrometheusExpected = isExpected(
  Bun.which('prometheus') !== null,
  'prometheus is not on PATH, so the live page is not compared with it',
)

const METRIC = 'http_server_request_duration_seconds'
const LOAD_MS = 8000
const ASK_AGAIN_AFTER_MS = 200
const QUANTILES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const

interface View {
  red?: Record<'requestsPerSecond' | 'errorsPerSecond' | keyof typeof QUANTILES, number>
}

test.skipIf(!isPrometheusExpected)(
  'quantiles and the share of errors are equal; rates differ only by the extrapolation of Prometheus',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'exporter-truth-'))
    await using processes = new AsyncDisposableStack()
    processes.defer(() => rmSync(folder, { recursive: true }))
    const dogs = processes.use(
      new TestProcess([`${import.meta.dir}/../services/dogs/index.ts`], {
        DOGS_PORT: '0',
        DOGS_ADMIN_PORT: '0',
        DOGS_WORKERS: '2',
        DOGS_FAULT_FAIL_PERCENT: '20',
        DOGS_DATABASE_PATH: join(folder, 'dogs.sqlite'),
      }),
    )
    const { url: app, admin } = await dogs.ready()
    const exporter = processes.use(
      new TestProcess([
        `${import.meta.dir}/index.ts`,
        '--web.listen-address=127.0.0.1:0',
        '--history.step=1s',
        `--stats.uri=${admin}/stats`,
      ]),
    )
    const { url } = await exporter.ready()
    const config = join(folder, 'prometheus.yml')
    await Bun.write(
      config,
      `{ global: { scrape_interval: 1s }, scrape_configs: [{ job_name: dogs, static_configs: [{ targets: ['${new URL(admin).host}'] }] }] }`,
    )
    const prometheus = `127.0.0.1:${freePort()}`
    const flags = [
      `--config.file=${config}`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=${prometheus}`,
    ]
    const server = Bun.spawn(['prometheus', ...flags], { stdio: ['ignore', 'ignore', 'ignore'] })
    processes.defer(async () => {
      server.kill()
      await server.exited
    })

    const query = async (promql: string): Promise<number> => {
      const response = await fetch(
        `http://${prometheus}/api/v1/query?query=${encodeURIComponent(promql)}`,
      ).catch(() => undefined)
      if (!response?.ok) return NaN
      const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } }
      return Number(data.result[0]?.value[1])
    }
    const live = async () =>
      (await (await fetch(`${url}/live.json?after=0`)).json()) as {
        windowMs: number
        targets: View[]
        curves: { times: number[] }
      }
    const load = async (untilMs: number) => {
      let requests = 0
      for (; Date.now() < untilMs; requests++) await (await fetch(`${app}/dogs/`)).text()
      return requests
    }

    // Prometheus knows a series only from its first sample on, so each must exist before the load.
    await load(Date.now() + 500)
    const series = `count(${METRIC}_count offset 2s)`
    for (let known = 0; known !== 2;) known = await query(series)
    // The figures are of the whole window only when the readings are as old.
    for (let ageMs = 0, windowMs = 1; ageMs <= windowMs;) {
      const { curves, windowMs: whole } = await live()
      ageMs = Date.now() - curves.times[0]!
      windowMs = whole
      await Bun.sleep(ASK_AGAIN_AFTER_MS)
    }
    const before = await query(`sum(${METRIC}_count)`)
    const requests = await load(Date.now() + LOAD_MS)
    for (let seen = 0; seen !== before + requests;) seen = await query(`sum(${METRIC}_count offset 2s)`)

    const { red } = (await live()).targets[0]!
    for (const [key, q] of Object.entries(QUANTILES)) {
      const theirs = await query(`histogram_quantile(${q}, sum by (le) (rate(${METRIC}_bucket[30s])))`)
      expect([key, red![key as keyof typeof QUANTILES] / theirs]).toEqual([key, expect.closeTo(1, 2)])
    }
    const errors = `sum(rate(${METRIC}_count{http_response_status_code=~"5.."}[30s])) / sum(rate(${METRIC}_count[30s]))`
    expect(red!.errorsPerSecond / red!.requestsPerSecond).toBeCloseTo(await query(errors), 3)
    const rate = await query(`sum(rate(${METRIC}_count[30s]))`)
    expect(Math.abs(red!.requestsPerSecond / rate - 1)).toBeLessThan(0.1)
  },
  120_000,
)
