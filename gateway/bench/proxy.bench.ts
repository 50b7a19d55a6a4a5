/**
 * Measures a proxied request in the gateway, nginx and HAProxy: CPU time of the proxy's process (user + system). The
 * proxies take turns in front of one upstream. Goals: CPU at most nginx's over the same kind of upstream, at most 0.8 of
 * nginx over TCP if sockets are used, p99 at most nginx's. The p99 of connections that never pause measures the length of
 * a queue; connections that pause measure the latency without a queue. Needs wrk, nginx and haproxy.
 * Run: `bun gateway/bench/proxy.bench.ts [seconds of each turn] [turns] [part of a load's name]`. It ends with the tables of
 * gateway/README.md.
 */
import { median } from '@bun-monitoring/metrics/bench'
import { type LoadOptions, markdownTable, type Measurement, measure, stage } from './load.ts'

const [, , seconds = '2', turns = '3', part = ''] = process.argv

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

/** The columns of the tables. */
const CPU = [
  'gateway, TCP',
  'gateway, unix',
  'nginx, unix',
  'HAProxy, TCP',
  'HAProxy, unix',
  'gateway, TCP, log',
  'nginx, TCP, log',
]
const P99 = ['gateway, TCP', 'gateway, unix', 'nginx, TCP', 'nginx, unix', 'HAProxy, TCP']
const cpuRows: string[][] = []
const p99Rows: string[][] = []

for (const { load, ...options } of LOADS.filter((each) => each.load.includes(part))) {
  const results = new Map<string, Measurement[]>(subjects.map(({ name }) => [name, []]))
  for (let turn = -1; turn < Number(turns); turn++) {
    for (const subject of subjects) {
      const measured = await measure(subject, { method: 'GET', pauseMs: 0, ...options }, Number(seconds))
      // The first turn is for the just-in-time compiler.
      if (turn >= 0) results.get(subject.name)!.push(measured)
    }
  }
  const base = results.get('nginx, TCP')!
  const middle = (name: string, of: (each: Measurement, turn: number) => number) =>
    median(results.get(name)!.map(of))
  const ratio = ({ cpuUs }: Measurement, turn: number) => cpuUs / base[turn]!.cpuUs
  console.log(`\n${load}`)
  console.table(
    subjects.map(({ name }) => ({
      proxy: name,
      'CPU us/request': middle(name, ({ cpuUs }) => cpuUs).toFixed(2),
      'of nginx, TCP': middle(name, ratio).toFixed(2),
      'requests/s': middle(name, ({ requestsPerSecond }) => requestsPerSecond).toFixed(0),
      'p50 ms': middle(name, ({ p50Ms }) => p50Ms).toFixed(2),
      'p99 ms': middle(name, ({ p99Ms }) => p99Ms).toFixed(2),
      'p99.9 ms': middle(name, ({ p999Ms }) => p999Ms).toFixed(2),
    })),
  )
  cpuRows.push([load, ...CPU.map((name) => middle(name, ratio).toFixed(2))])
  p99Rows.push([load, ...P99.map((name) => middle(name, ({ p99Ms }) => p99Ms).toPrecision(2))])
}

console.log(`\n${new Date().toISOString().slice(0, 10)}, CPU time of a request, nginx over TCP = 1:\n`)
console.log(markdownTable(['load', ...CPU], cpuRows))
console.log('\np99 in milliseconds:\n')
console.log(markdownTable(['load', ...P99], p99Rows))
