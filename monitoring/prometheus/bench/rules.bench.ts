/**
 * How much CPU time one evaluation of each group of rules costs Prometheus, by the number of routes:
 * `bun monitoring/prometheus/bench/rules.bench.ts [routes ...]`. A made-up stack has every family with every label set, for a
 * quarter of an hour, and 30 days of what the objectives record. Needs prometheus.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@bun-monitoring/prefork/testing'
import { objectives } from '../../objectives.ts'
import { seriesOf } from '../../rules/objective.ts'
import { ruleFiles } from '../../rules/files.ts'
import { stack } from '../../stack.ts'
import { minutes } from '../../testing_mutants/world.ts'

const ROUNDS = 10
/** Series for each request: Prometheus rejects large ones. */
const AT_ONCE = 200
const DAYS = 30
const DAY_SECONDS = 86_400
const COUNT = 'http_server_request_duration_seconds_count'
const groups = ruleFiles(stack, objectives).flatMap((file) => file.groups)
const end = Math.floor(Date.now() / 60_000) * 60

/** Series of the made-up stack, those of a route once for each route. */
function seriesFor(routes: number): [series: string, values: string][] {
  const copies = Array.from({ length: routes }, (_, index) => index)
  return Object.entries(minutes().series).flatMap(([series, values]) => {
    if (!series.includes('http_route="')) return [[series, values] as [string, string]]
    if (!series.includes('http_route="dogs"')) return []
    return copies.map((route): [string, string] => [series.replace('="dogs"', `="dogs-${route}"`), values])
  })
}

/** The values of a series in promtool's notation, as far as the made-up stack uses it. */
function* valuesOf(notation: string): Generator<string> {
  for (const part of notation.split(' ')) {
    const [value, times] = part.split('x') as [string, string?]
    for (let at = times === undefined ? 0 : -1; at < Number(times ?? 1); at++) yield value
  }
}

type Point = readonly [atSeconds: number, value: string]

/** Writes series as OTLP gauges. Each request is one transaction: its points may be in any order, but not older than others. */
async function push(
  url: string,
  series: readonly (readonly [series: string, points: readonly Point[]])[],
): Promise<void> {
  const metrics = series.map(([text, points]) => {
    const attributes = [...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, stringValue]) => ({
      key,
      value: { stringValue },
    }))
    const dataPoints = points.map(([at, value]) => ({
      attributes,
      timeUnixNano: `${at}000000000`,
      asDouble: Number(value),
    }))
    return { name: text.slice(0, text.indexOf('{')), gauge: { dataPoints } }
  })
  const response = await fetch(`${url}/api/v1/otlp/v1/metrics`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }),
  })
  if (!response.ok) throw new Error(`Prometheus responded ${response.status}: ${await response.text()}`)
}

async function fill(url: string, series: readonly [string, string][]): Promise<void> {
  const recorded = ['edge:http_requests:rate5m', ...objectives.map((each) => seriesOf(each, 'rate5m'))]
  for (let day = DAYS; day > 0; day--) {
    const begin = end - 900 - day * DAY_SECONDS
    const points = Array.from({ length: DAY_SECONDS / 30 }, (_, at): Point => [
      begin + 30 * at,
      String(1 + (at % 97)),
    ])
    await push(
      url,
      recorded.map((name) => [`${name}{job="gateway"}`, points] as const),
    )
  }
  for (let from = 0; from < series.length; from += AT_ONCE) {
    const some = series.slice(from, from + AT_ONCE).map(([name, notation]) => {
      const values = [...valuesOf(notation)].slice(-90)
      const points = values.map((value, at): Point => [end - 10 * (values.length - 1 - at), value])
      return [name, points.filter(([, value]) => value !== '_')] as const
    })
    await push(url, some)
  }
}

/** CPU time of each group for one evaluation in milliseconds, the mean of some: the time of a clock depends on other programs. */
async function measure(routes: number): Promise<{ sets: number; series: number; costs: number[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'rules-bench-'))
  const series = seriesFor(routes)
  const config = join(folder, 'prometheus.yml')
  await Bun.write(config, 'otlp: { translation_strategy: NoTranslation }')
  const address = `127.0.0.1:${freePort()}`
  const url = `http://${address}`
  const flags = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=${address}`,
  ]
  const program = Bun.spawn(
    ['prometheus', ...flags, '--web.enable-otlp-receiver', '--storage.tsdb.retention.time=35d'],
    {
      stdio: ['ignore', 'ignore', 'ignore'],
    },
  )
  try {
    const isReady = () =>
      fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      )
    while (!(await isReady())) await Bun.sleep(50)
    await fill(url, series)
    const costs: number[] = []
    for (const { rules } of groups) {
      // The first round fills caches.
      for (const { expr } of rules) await evaluate(url, expr)
      const before = await cpuMs(program.pid)
      for (let round = 0; round < ROUNDS; round++) for (const { expr } of rules) await evaluate(url, expr)
      costs.push(((await cpuMs(program.pid)) - before) / ROUNDS)
    }
    return {
      sets: series.filter(([name]) => name.startsWith(`${COUNT}{`)).length,
      series: series.length,
      costs,
    }
  } finally {
    program.kill()
    await program.exited
    rmSync(folder, { recursive: true })
  }
}

async function evaluate(url: string, expr: string): Promise<void> {
  const body = new URLSearchParams({ query: expr, time: String(end) })
  const response = await fetch(`${url}/api/v1/query`, { method: 'POST', body })
  if (!response.ok) throw new Error(`${expr}: ${await response.text()}`)
  await response.arrayBuffer()
}

/** User and system time, of which the kernel counts hundredths of a second. */
async function cpuMs(pid: number): Promise<number> {
  const stat = await Bun.file(`/proc/${pid}/stat`).text()
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return 10 * (Number(fields[11]) + Number(fields[12]))
}

const chosen = Bun.argv.slice(2).map(Number)
const results = []
for (const routes of chosen.length > 0 ? chosen : [1, 10, 50]) results.push(await measure(routes))
const row = (name: string, every: string, cells: readonly string[]) =>
  console.log(name.padEnd(20), every.padStart(5), ...cells.map((cell) => cell.padStart(10)))
row(
  'label sets',
  '',
  results.map(({ sets }) => String(sets)),
)
row(
  'all series',
  '',
  results.map(({ series }) => String(series)),
)
for (const [index, { name, interval = '10s' }] of groups.entries())
  row(
    name,
    interval,
    results.map(({ costs }) => `${costs[index]!.toFixed(1)} ms`),
  )
const perSecond = ({ costs }: { costs: number[] }) =>
  groups.reduce((sum, { interval = '10s' }, index) => {
    const seconds = parseInt(interval) * (interval.endsWith('m') ? 60 : 1)
    return sum + costs[index]! / seconds
  }, 0)
row(
  'all, per second',
  '',
  results.map((result) => `${perSecond(result).toFixed(1)} ms`),
)
