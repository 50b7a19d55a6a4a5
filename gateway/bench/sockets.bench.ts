/**
 * Compares two ways from the gateway to a real service with two workers: the sockets of its slots, and the port that the
 * workers share. Measures CPU time of the gateway and of the service for each request (user + system, all workers), and
 * how evenly requests are spread over the service's workers. Both ways take turns. Needs wrk.
 * Run: `bun gateway/bench/sockets.bench.ts [seconds of each turn] [turns]`.
 */
import { median } from '@bun-monitoring/metrics/bench'
import type { StatsDocument } from '@bun-monitoring/prefork/stats'
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measure } from './load.ts'

const [seconds = 2, turns = 3] = process.argv.slice(2).map(Number)
const CONNECTIONS = [1, 8, 64, 160]
const FREE_PORTS = (prefix: string) => ({ [`${prefix}_PORT`]: '0', [`${prefix}_ADMIN_PORT`]: '0' })

const folder = mkdtempSync(join(tmpdir(), 'gw-'))
using atTheEnd = new DisposableStack()
atTheEnd.defer(() => rmSync(folder, { recursive: true }))
await using service = new TestProcess([join(import.meta.dir, '../../services/pets/testdata/dogs.ts')], {
  ...FREE_PORTS('DOGS'),
  DOGS_DATABASE_PATH: join(folder, 'dogs.sqlite'),
  DOGS_SOCKET_DIR: folder,
})
const { url } = await service.ready()
const created = await fetch(`${url}/dogs/`, { method: 'POST', body: '{"name":"Rex","breed":"Pug"}' })
const path = created.headers.get('location')!

const startGateway = (target: string) =>
  new TestProcess([join(import.meta.dir, '../index.ts')], { ...FREE_PORTS('GATEWAY'), DOGS_URL: target })
await using byPort = startGateway(url)
await using bySockets = startGateway(`unix:${folder}/dogs.*.sock`)
const ways = [
  { way: 'one port', gateway: byPort },
  { way: 'sockets', gateway: bySockets },
]

/** CPU time and number of requests of each worker since its start. */
async function workersOf(family: TestProcess): Promise<{ cpuUs: number; requests: number }[]> {
  const { admin } = await family.ready()
  const { workers } = (await (await fetch(`${admin}/stats`)).json()) as StatsDocument
  return workers
    .filter(({ state }) => state !== 'dead')
    .map(({ cpu_us, requests }) => ({ cpuUs: cpu_us, requests }))
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

/** CPU microseconds for each request, and the requests of the least busy worker as a part of a fair share. */
async function turn(gateway: TestProcess, connections: number) {
  const families = [gateway, service]
  const before = await Promise.all(families.map(workersOf))
  const target = { name: '', url: (await gateway.ready()).url, pid: gateway.pid }
  const { requestsPerSecond, p99Ms } = await measure(
    target,
    { path, connections, method: 'GET', pauseMs: 0 },
    seconds,
  )
  const after = await Promise.all(families.map(workersOf))
  const used = after.map((workers, i) =>
    workers.map(({ cpuUs, requests }, j) => ({
      cpuUs: cpuUs - before[i]![j]!.cpuUs,
      requests: requests - before[i]![j]!.requests,
    })),
  )
  const [ofGateway, ofService] = used.map((workers) => {
    const requests = workers.map((worker) => worker.requests)
    const cpuUs = sum(workers.map((worker) => worker.cpuUs)) / sum(requests)
    return { cpuUs, least: (Math.min(...requests) * requests.length) / sum(requests) }
  })
  return {
    gatewayUs: ofGateway!.cpuUs,
    serviceUs: ofService!.cpuUs,
    least: ofService!.least,
    requestsPerSecond,
    p99Ms,
  }
}

for (const connections of CONNECTIONS) {
  const results = new Map(ways.map(({ way }) => [way, [] as Awaited<ReturnType<typeof turn>>[]]))
  for (let i = -1; i < turns; i++) {
    for (const { way, gateway } of ways) {
      const result = await turn(gateway, connections)
      // The first turn is for the just-in-time compiler.
      if (i >= 0) results.get(way)!.push(result)
    }
  }
  console.log(`\n${connections} connections`)
  console.table(
    [...results].map(([way, measured]) => {
      const middle = (of: (each: (typeof measured)[number]) => number) => median(measured.map(of))
      return {
        way,
        'gateway, CPU us/request': Number(middle(({ gatewayUs }) => gatewayUs).toFixed(1)),
        'service, CPU us/request': Number(middle(({ serviceUs }) => serviceUs).toFixed(1)),
        'least busy worker, of its share': Number(middle(({ least }) => least).toFixed(2)),
        'requests/s': Math.round(middle(({ requestsPerSecond }) => requestsPerSecond)),
        'p99 ms': Number(middle(({ p99Ms }) => p99Ms).toFixed(1)),
      }
    }),
  )
}
