/**
 * Measures TLS in the gateway and nginx with the same certificates, both with TLS 1.3: CPU time of the proxy's process for
 * each request over kept connections, and for each new connection with one request. wrk resumes the session of an earlier
 * connection, openssl makes a full handshake. Goals: at most nginx's for a request, at most 0.7 of nginx's for a connection
 * with P-256 and a full handshake. Needs wrk, nginx and openssl.
 * Run: `bun gateway/bench/tls.bench.ts [seconds of each turn] [turns] [part of a load's name]`. It ends with the table of
 * gateway/README.md.
 */
import { median } from '@bun-monitoring/metrics/bench'
import { Certificates } from '../testdata/certificates.ts'
import { type LoadOptions, markdownTable, measure, measureHandshakes, stage } from './load.ts'
import type { Proxy } from './proxies.ts'

const [, , seconds = '2', turns = '3', part = ''] = process.argv

/** The CPU time of one request or connection, in microseconds. */
type Load = (proxy: Proxy) => Promise<number>

const requests =
  (options: Pick<LoadOptions, 'path' | 'connections' | 'closes'>): Load =>
  async (proxy) =>
    (await measure(proxy, { method: 'GET', pauseMs: 0, ...options }, Number(seconds))).cpuUs

const LOADS: Record<string, Load> = {
  'small, 64 kept': requests({ path: '/dogs/1/', connections: 64 }),
  '15 kB, 64 kept': requests({ path: '/dogs/', connections: 64 }),
  'new connection': (proxy) => measureHandshakes(proxy, '/dogs/1/', Number(seconds)),
  'new, resumed': requests({ path: '/dogs/1/', connections: 16, closes: true }),
}
const TYPES = { EC: 'P-256', RSA: 'RSA 2048' } as const

using certificates = new Certificates()
await using bench = await stage()
const { proxies } = bench
const rows: string[][] = []

for (const type of ['EC', 'RSA'] as const) {
  certificates.sign(type, 'IP:127.0.0.1', type)
  const pair = { name: type, cert: certificates.path(`${type}.pem`), key: certificates.path(`${type}.key`) }
  const subjects = [await proxies.nginx('TCP', false, pair), await proxies.gateway('TCP', false, pair)]
  for (const [load, run] of Object.entries(LOADS)) {
    const name = `${TYPES[type]}, ${load}`
    if (!name.includes(part)) continue
    const results: number[][] = subjects.map(() => [])
    for (let turn = -1; turn < Number(turns); turn++) {
      for (const [i, subject] of subjects.entries()) {
        const cpuUs = await run(subject)
        // The first turn is for the just-in-time compiler.
        if (turn >= 0) results[i]!.push(cpuUs)
      }
    }
    const [nginx, gateway] = results as [number[], number[]]
    const ratio = median(gateway.map((cpuUs, i) => cpuUs / nginx[i]!))
    rows.push([name, median(nginx).toFixed(0), median(gateway).toFixed(0), ratio.toFixed(2)])
    console.log(rows.at(-1)!.join(' | '))
  }
}

console.log(`\n${new Date().toISOString().slice(0, 10)}, CPU time in microseconds:\n`)
console.log(markdownTable(['load', 'nginx', 'gateway', 'gateway : nginx'], rows))
