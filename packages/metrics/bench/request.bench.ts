/**
 * The cost of measuring a request: CPU time of the server (user + system) for one row by id out of bun:sqlite, on a bare
 * Elysia app, with our HTTP and database metrics in a segment, with either of them alone, with all that a service of ours
 * has, and with prom-client 15.1.3 in Elysia's hooks. Goals: at most 1.05 times the bare app with both of ours, at
 * most 1.10 times with everything. The second table calls the same apps without a server, which tells small differences.
 * Run: `bun packages/metrics/bench/request.bench.ts` (needs wrk and Linux); BENCH_STARTS sets how often servers start.
 */
import { join } from 'node:path'
import { cpuUsOf, load, median, ratio, rounded, spread, takeTurns } from './measure.ts'
import type { Variant } from './request_apps.ts'

/** Servers are started several times, because the code that the engine compiles differs a little from start to start. */
const STARTS = Number(Bun.env.BENCH_STARTS ?? 4)
/** Many short rounds: a disturbance of the machine affects whole rounds, and ratios are taken round by round. */
const ROUNDS_EACH = 10
const SECONDS = 1
const WARM_UP_SECONDS = 1
const CONNECTIONS = 32

const NAMES: Record<Variant, string> = {
  bare: 'bare',
  http: 'ours: HTTP alone',
  database: 'ours: database alone',
  ours: 'ours: HTTP and database',
  everything: 'ours: all that a service has',
  'prom-client': 'prom-client in hooks',
  'elysia-prometheus': 'elysia-prometheus: HTTP alone',
  plain: 'a bare fetch handler',
  measured: 'the same, measured',
}
/** Variants that are not compared with the bare Elysia app. */
const BASES: Partial<Record<Variant, Variant>> = { plain: 'plain', measured: 'plain' }
const variants = Object.keys(NAMES) as Variant[]
const speeds = new Map<Variant, number[]>(variants.map((variant) => [variant, []]))
const costs = new Map<Variant, number[]>(variants.map((variant) => [variant, []]))

for (let start = 0; start < STARTS; start++) {
  const servers = new Map<Variant, Awaited<ReturnType<typeof serve>>>()
  for (const variant of variants) servers.set(variant, await serve(variant))
  for (const { port } of servers.values()) await load(urlOf(port), CONNECTIONS, WARM_UP_SECONDS)
  const measure = async (variant: Variant): Promise<number> => {
    const { server, port } = servers.get(variant)!
    const before = cpuUsOf(server.pid)
    const requests = await load(urlOf(port), CONNECTIONS, SECONDS)
    speeds.get(variant)!.push(requests / SECONDS)
    return (cpuUsOf(server.pid) - before) / requests
  }
  await takeTurns(variants, ROUNDS_EACH, measure, costs)
  for (const { server } of servers.values()) server.kill()
}

const bare = costs.get('bare')!
console.table(
  variants.map((variant) => ({
    app: NAMES[variant],
    'requests/s (median)': Math.round(median(speeds.get(variant)!)),
    'CPU us/request (median)': rounded(median(costs.get(variant)!)),
    'middle half': spread(costs.get(variant)!),
    'times bare': rounded(ratio(costs.get(variant)!, costs.get(BASES[variant] ?? 'bare')!), 3),
  })),
)
const [ours, everything, peer] = (['ours', 'everything', 'prom-client'] as const).map((name) =>
  ratio(costs.get(name)!, bare).toFixed(3),
)
console.log(
  `Over ${bare.length} rounds a request costs ${ours} times a bare one with our HTTP and database metrics, ${everything} times with everything, ${peer} times with prom-client.`,
)

const callNs = await takeTurns(variants, STARTS, (variant) =>
  firstNumberOf(start('request_subject.ts', variant)),
)
console.table(
  variants.map((variant) => {
    const ns = median(callNs.get(variant)!)
    const addedNs = ns - median(callNs.get(BASES[variant] ?? 'bare')!)
    return {
      'app, called without a server': NAMES[variant],
      'CPU ns/call (median)': ns,
      'added ns': addedNs,
      "added, of a bare request's CPU": `${rounded(addedNs / 10 / median(bare), 1)} %`,
    }
  }),
)

function start(file: string, variant: Variant) {
  return Bun.spawn([process.execPath, join(import.meta.dir, file), variant], {
    env: { ...Bun.env, NODE_ENV: 'production' },
    stdout: 'pipe',
    stderr: 'inherit',
  })
}

async function serve(variant: Variant) {
  const server = start('request_server.ts', variant)
  return { server, port: await firstNumberOf(server) }
}

async function firstNumberOf({ stdout }: ReturnType<typeof start>): Promise<number> {
  for await (const chunk of stdout) return Number(new TextDecoder().decode(chunk))
  throw new Error('a program of the benchmark ended before it printed its number')
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}/dogs/50`
}
