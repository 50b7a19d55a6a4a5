/**
 * Measures TLS in the gateway and nginx with the same certificates: CPU time of the proxy's process for each request over
 * kept connections, and for each new connection with one request. Goals: at most nginx's for a request, at most 0.7 of
 * nginx's for a connection with P-256. Needs wrk, nginx and openssl.
 * Run: `bun gateway/bench/tls.bench.ts [seconds of each turn] [turns]`.
 */
import { median } from '@bun-monitoring/metrics/bench'
import { Certificates } from '../testdata/certificates.ts'
import { type LoadOptions, type Measurement, measure, stage } from './load.ts'

const [seconds = 2, turns = 3] = process.argv.slice(2).map(Number)

const LOADS: (LoadOptions & { load: string })[] = [
  { load: 'small, 64 kept', path: '/dogs/1/', connections: 64, method: 'GET', pauseMs: 0 },
  { load: '15 kB, 64 kept', path: '/dogs/', connections: 64, method: 'GET', pauseMs: 0 },
  { load: 'new connection', path: '/dogs/1/', connections: 16, method: 'GET', pauseMs: 0, closes: true },
]

using certificates = new Certificates()
await using bench = await stage()
const { proxies } = bench

for (const type of ['EC', 'RSA'] as const) {
  certificates.sign(type, 'IP:127.0.0.1', type)
  const pair = { name: type, cert: certificates.path(`${type}.pem`), key: certificates.path(`${type}.key`) }
  const subjects = [await proxies.nginx('TCP', false, pair), await proxies.gateway('TCP', false, pair)]
  const rows = []
  for (const load of LOADS) {
    const results: Measurement[][] = subjects.map(() => [])
    for (let turn = -1; turn < turns; turn++) {
      for (const [i, subject] of subjects.entries()) {
        const measured = await measure(subject, load, seconds)
        // The first turn is for the just-in-time compiler.
        if (turn >= 0) results[i]!.push(measured)
      }
    }
    const [nginx, gateway] = results.map((each) => median(each.map(({ cpuUs }) => cpuUs)))
    const ratio = median(results[1]!.map(({ cpuUs }, i) => cpuUs / results[0]![i]!.cpuUs))
    rows.push({
      load: load.load,
      nginx: nginx!.toFixed(1),
      gateway: gateway!.toFixed(1),
      ratio: ratio.toFixed(2),
    })
  }
  console.log(`\n${type === 'EC' ? 'P-256' : 'RSA 2048'}, CPU microseconds`)
  console.table(rows)
}
