/**
 * What the README's comparison says about counts: a worker that is killed and one that hangs, with node:cluster and prom-client's AggregatorRegistry
 * and with a segment; and responses of an Elysia app, with elysia-prometheus and with httpMetrics.
 * Run: `bun packages/metrics/bench/compare.bench.ts`
 */
import elysiaPrometheus from 'elysia-prometheus'
import { type AnyElysia, Elysia } from 'elysia'
import { join } from 'node:path'
import { Registry } from '../index.ts'
import { httpMetrics } from '../instrument/elysia.ts'

console.table(
  await Promise.all(
    [
      ['node:cluster and AggregatorRegistry', 'compare_cluster_subject.ts'],
      ['a segment', 'compare_segment_subject.ts'],
    ].map(async ([name, file]) => {
      const subject = Bun.spawn([process.execPath, join(import.meta.dir, file!)], { stdout: 'pipe' })
      const counts = JSON.parse(await new Response(subject.stdout).text()) as {
        before: number
        after: number
        hung: number | string
      }
      return {
        'events on the page': name,
        'two workers': counts.before,
        'one killed, and replaced': counts.after,
        'the other one hangs': counts.hung,
      }
    }),
  ),
)

const registry = new Registry()
const withElysiaPrometheus = new Elysia().use(elysiaPrometheus())
const withHttpMetrics = new Elysia().use(httpMetrics({ registry }))
const REQUESTS = ['/ok/1', '/ok/2', '/thrown', '/nowhere/1', '/nowhere/a']
const apps: readonly (readonly [name: string, app: AnyElysia, pageOf: () => Promise<string>])[] = [
  ['elysia-prometheus', withElysiaPrometheus, () => get(withElysiaPrometheus, '/metrics')],
  ['httpMetrics', withHttpMetrics, () => registry.metrics()],
]
const rows: object[] = []
for (const [name, app, pageOf] of apps) {
  app
    .get('/ok/:id', () => 'ok')
    .get('/thrown', () => {
      throw new Error('broken')
    })
  for (const path of REQUESTS) await get(app, path)
  const lines = (await pageOf()).split('\n').filter((line) => /^http_\w*duration_seconds_count\{/.test(line))
  const counted = lines.map((line) => Number(line.slice(line.lastIndexOf(' '))))
  rows.push({
    'an Elysia app with': name,
    'requests sent': REQUESTS.length,
    'requests counted': counted.reduce((sum, each) => sum + each, 0),
    series: lines.map((line) => line.replace(/^[^{]*/, '')).join('\n'),
  })
}
for (const row of rows) console.log(row)

/** The text of the response, after the hooks that run behind it. */
async function get(app: AnyElysia, path: string): Promise<string> {
  const text = await (await app.handle(new Request(`http://localhost${path}`))).text()
  await new Promise((resolve) => setImmediate(resolve))
  return text
}
