/**
 * Measures a proxied request in the gateway, nginx and HAProxy: CPU time of the proxy's process (user + system). The
 * proxies take turns in front of one upstream. Goals: CPU at most nginx's over the same kind of upstream, at most 0.8 of
 * nginx over TCP if sockets are used, p99 at most nginx's. The p99 of connections that never pause measures the length of
 * a queue; connections that pause measure the latency without a queue. Needs wrk, nginx and haproxy.
 * Run: `bun gateway/bench/proxy.bench.ts [seconds of each turn] [turns]`.
 */
import { median } from '@bun-monitoring/metrics/bench'
import { type LoadOptions, type Measurement, measure, stage } from './load.ts'

const [seconds = 2, turns = 3] = process.argv.slice(2).map(Number)

const LOADS = [
  { load: 'small, 1 connection', path: '/dogs/1/', connections: 1 },
  { load: 'small, 64', path: '/dogs/1/', connections: 64 },
  { load: 'small, 160', path: '/dogs/1/', connections: 160 },
  { load: 'list of 15 kB, 64', path: '/dogs/', connections: 64 },
  { load: '1 MB, 64', path: '/dogs/large', connections: 64 },
  { load: 'POST, 64', path: '/dogs/', connections: 64, method: 'POST' },
  { load: 'small, 160 that pause', path: '/dogs/1/', connections: 160, pauseMs: 10 },
  { load: 'list of 15 kB, 64 that pause', path: '/dogs/', connections: 64, pauseMs: 10 },
  { load: 'POST, 64 that pause', path: '/dogs/', connections: 64, method: 'POST', pauseMs: 10 },
] satisfies ({ load: string } & Partial<LoadOptions>)[]

await using bench = await stage()
const { proxies } = bench
const subjects = [
  await proxies.nginx('TCP', false),
  await proxies.haproxy('TCP'),
  await proxies.gateway('TCP', false),
  await proxies.nginx('unix', false),
  await proxies.haproxy('unix'),
  await proxies.gateway('unix', false),
  await proxies.nginx('TCP', true),
  await proxies.gateway('TCP', true),
]

for (const { load, ...options } of LOADS) {
  const results = new Map<string, Measurement[]>(subjects.map(({ name }) => [name, []]))
  for (let turn = -1; turn < turns; turn++) {
    for (const subject of subjects) {
      const measured = await measure(subject, { method: 'GET', pauseMs: 0, ...options }, seconds)
      // The first turn is for the just-in-time compiler.
      if (turn >= 0) results.get(subject.name)!.push(measured)
    }
  }
  const base = results.get('nginx, TCP')!
  console.log(`\n${load}`)
  console.table(
    [...results].map(([name, measured]) => {
      const middle = (of: (each: Measurement) => number) => Number(median(measured.map(of)).toFixed(2))
      return {
        proxy: name,
        'CPU us/request': middle(({ cpuUs }) => cpuUs),
        'of nginx, TCP': Number(median(measured.map(({ cpuUs }, i) => cpuUs / base[i]!.cpuUs)).toFixed(2)),
        'requests/s': Math.round(middle(({ requestsPerSecond }) => requestsPerSecond)),
        'p50 ms': middle(({ p50Ms }) => p50Ms),
        'p99 ms': middle(({ p99Ms }) => p99Ms),
        'p99.9 ms': middle(({ p999Ms }) => p999Ms),
      }
    }),
  )
}
