/**
 * What a proxied request costs the gateway, nginx and HAProxy: CPU time of the proxy's process (user + system), all in
 * front of one upstream, taking turns. Goals: CPU at most nginx's over the same kind of upstream, at most 0.8 of nginx
 * over TCP where sockets are used, p99 at most nginx's. Needs wrk, nginx and haproxy.
 * Run: `bun gateway/bench/proxy.bench.ts [seconds of each turn] [turns]`.
 */
import { median } from '@bun-monitoring/metrics/bench'
import { type Measurement, measure, stage } from './load.ts'

const [seconds = 2, turns = 3] = process.argv.slice(2).map(Number)

const LOADS = [
  { load: 'small, 1 connection', path: '/dogs/1/', connections: 1, method: 'GET' },
  { load: 'small, 64', path: '/dogs/1/', connections: 64, method: 'GET' },
  { load: 'small, 160', path: '/dogs/1/', connections: 160, method: 'GET' },
  { load: 'list of 15 kB, 64', path: '/dogs/', connections: 64, method: 'GET' },
  { load: '1 MB, 64', path: '/dogs/large', connections: 64, method: 'GET' },
  { load: 'POST, 64', path: '/dogs/', connections: 64, method: 'POST' },
] as const

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

for (const { load, path, connections, method } of LOADS) {
  const results = new Map<string, Measurement[]>(subjects.map(({ name }) => [name, []]))
  for (let turn = -1; turn < turns; turn++) {
    for (const subject of subjects) {
      const measured = await measure(subject, path, connections, seconds, method)
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
